/** The heat map of a state of 10,000 tokens: reading and norms, then panning and zooming it in a browser. `--tokens N`, `--no-window`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BLOCK_TOKENS, type StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { assemble } from '#engine/packets/assemble.ts'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { createInProcessTransport } from '#hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '#hosts/eventHub.ts'
import { createClient } from '#shared/rpc/client.ts'
import { openStudio } from '../e2e/studio.ts'
import { openBenchEngine, ROOT, row } from './benchEngine.ts'
import { median } from './median.ts'
import { countFrames, enterStudio } from './windowFrames.ts'

const { values } = parseArgs({
  options: { tokens: { type: 'string', default: '10000' }, window: { type: 'boolean', default: true } },
  allowNegative: true,
})
const tokens = Number(values.tokens)
const home = await mkdtemp(join(tmpdir(), 'statepack-bench-inspect-'))

try {
  const { engine } = await openBenchEngine(home)
  const { store } = engine.state
  const client = createClient(createInProcessTransport(dispatch(engine.handlers), createEventHub()))
  const ref = await publishLong(store)
  const rows = []
  for (const tensor of ['key', 'value'] as const) {
    const times: number[] = []
    let cells = 0
    for (let run = 0; run < 5; run++) {
      const start = performance.now()
      const map = await client.call('packets.heatmap', { ref, tensor })
      times.push(performance.now() - start)
      cells = map.rows * map.columns
    }
    rows.push(row({ tensor, tokens, cells, 'read, verify and norm ms': median(times) }))
  }
  const start = performance.now()
  await client.call('packets.inspect', { ref })
  rows.push(row({ tensor: 'all components', tokens, cells: 12, 'read, verify and norm ms': performance.now() - start }))
  await engine.dispose()
  console.table(rows)

  if (values.window) {
    const studio = await openStudio({ home })
    try {
      const { page } = studio
      await enterStudio(page)
      const began = performance.now()
      await page.goto(new URL(`/#/inspect/${encodeURIComponent(ref)}`, page.url()).href)
      await page.locator('.HeatMap-canvas').first().waitFor({ timeout: 120_000 })
      const open = performance.now() - began
      console.table([row({ 'open the heat map ms': open, ...(await countFrames(page, '.HeatMap-canvas', 'wheel')) })])
    } finally {
      await studio.close()
    }
  }
} finally {
  await rm(home, { recursive: true, force: true })
}

/** A state in the shape of the starter transformer's, longer than it reads; the numbers are made up. */
async function publishLong(store: Awaited<ReturnType<typeof openBenchEngine>>['engine']['state']['store']) {
  const model = await openModel(join(ROOT, 'assets', 'models', 'starter-transformer'))
  const { geometry } = model
  if (geometry.kind !== 'kv') throw new Error('The starter transformer keeps keys and values.')
  const { layers, kvHeads, headDim } = geometry
  const blocks: StateSnapshot['blocks'] = Array.from({ length: Math.ceil(tokens / BLOCK_TOKENS) }, (_, index) => {
    const start = index * BLOCK_TOKENS
    const count = Math.min(BLOCK_TOKENS, tokens - start)
    const wave = (phase: number) =>
      Float32Array.from({ length: kvHeads * count * headDim }, (_, at) => Math.sin(at * 0.37 + start + phase))
    return {
      ...{ start, tokens: count },
      layers: Array.from({ length: layers }, (_, layer) => {
        return { layer, kvHeads, headDim, key: wave(layer), value: wave(layer + 0.5) }
      }),
    }
  })
  const ids = Int32Array.from({ length: tokens }, (_, at) => 300 + (at % 1000))
  const assembled = await assemble({
    ...{ model, tokens: ids, origin: { kind: 'tokens' }, dtype: 'float16', loss: null, logits: null, tail: '' },
    snapshot: { kind: 'kv', position: tokens, blocks, recurrent: [] },
    segments: [{ kind: 'text', start: 0, end: tokens }],
    promptMeta: { spans: [], controlTokensInText: 0 },
    ...{ sources: [], recipe: { steps: [], systemPrompt: null, template: false }, card: '', parents: [] },
  })
  const names = ['A long state']
  return (await store.publishPacket({ config: assembled.configBlob, layers: assembled.layers, names })).packetId
}
