/** What one server does in a second, measured here: a model of gpt2-small's shape on the processor, a registry on this machine. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noRegistry, startStockRegistry } from '../../engine/registry/stockRegistry.ts'
import { startTestRegistry } from '../../engine/registry/testRegistry.ts'
import { writeGpt2Tokenizer } from '../../engine/savings/gpt2/openGpt2Tokenizer.ts'
import { openTestEngine } from '../../engine/testEngine.ts'
import { writeGeneratedCheckpoint } from '../../model/generatedCheckpoint.ts'
import { measureModel } from '../inOwnProcess.ts'
import { MODEL_SHAPES } from '../modelShapes.ts'
import { timed } from '../timed.ts'
import type { Rates } from './simulateFleet.ts'

const SHAPE = 'gpt2-small'
const TOKENS = 512
const DELTA = 16

export async function measureRates(): Promise<Rates & { readonly registry: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'statepack-bench-fleet-'))
  const weights = join(folder, SHAPE)
  try {
    await writeGeneratedCheckpoint(weights, MODEL_SHAPES[SHAPE]())
    const { figures } = await measureModel({ folder: weights, device: 'cpu', tokens: TOKENS, delta: DELTA, runs: 3 })
    const of = (name: string) => figures[name] ?? Number.NaN
    await writeGpt2Tokenizer(weights)
    return {
      prefill: of('prefill tok/s'),
      decode: 1000 / of('decode step ms'),
      restoreHot: of('hot restore ms') / 1000 / TOKENS,
      restoreCold: of('cold restore ms') / 1000 / TOKENS,
      bytesPerToken: (of('state MB') * 1e6) / TOKENS,
      ...(await measureTransfers(folder)),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The way of a cartridge: checked, hashed and written at both ends, over the loopback device. */
async function measureTransfers(folder: string): Promise<Pick<Rates, 'push' | 'pull'> & { readonly registry: string }> {
  const registry = noRegistry === null ? await startStockRegistry() : await startTestRegistry()
  const [here, there] = await Promise.all([
    openTestEngine({ modelFolders: [folder] }),
    openTestEngine({ modelFolders: [folder] }),
  ])
  try {
    const sources = [{ text: 'notice '.repeat(TOKENS) }]
    const { cartridge } = await here.client.call('packets.create', { model: SHAPE, sources, dtype: 'float16' })
    const to = `${registry.host}/bench/states`
    const [pushing, pushed] = await timed(() => here.client.call('share.push', { ref: cartridge.packetId, to }))
    const [pulling, pulled] = await timed(() => there.client.call('packets.import', { from: pushed.reference }))
    return {
      push: (pushed.bytesSent / pushing) * 1000,
      pull: (pulled.bytesFetched / pulling) * 1000,
      registry: noRegistry === null ? 'docker-registry' : 'the tests’ own registry',
    }
  } finally {
    await here.close()
    await there.close()
    await ('remove' in registry ? registry.remove() : registry.close())
  }
}
