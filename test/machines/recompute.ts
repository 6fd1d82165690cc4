/** `node recompute.ts SHELF`: recomputes each cartridge of it on the machine that runs this, and prints a line of JSON for each. */
import { readFile } from 'node:fs/promises'
import { toStatePackError } from '#shared/domain/error.ts'
import type { TestEngine } from '../engine/testEngine.ts'
import { MODELS, openAt, PRECISIONS, type Shelved } from './shelf.ts'

/** What one machine made of one cartridge. */
export interface Recomputed extends Pick<Shelved, 'model' | 'precision' | 'nature'> {
  readonly accepted: boolean
  /** Of the error that refused it. */
  readonly code: string | null
  /** The largest difference, as a share of the largest value of its tensor. */
  readonly share: number | null
  /** The largest root mean square of a tensor's differences, as a share of that of its values. */
  readonly rms: number | null
  readonly seconds: number
}

async function recompute({ client }: TestEngine, { file, ...one }: Shelved): Promise<Recomputed> {
  const began = performance.now()
  const ended = (accepted: boolean, code: string | null, share: number | null, rms: number | null) => ({
    ...{ model: one.model, precision: one.precision, nature: one.nature, accepted, code, share, rms },
    seconds: (performance.now() - began) / 1000,
  })
  try {
    const { cartridge } = await client.call('packets.import', { path: file })
    const { ok, maxShare, rmsShare } = await client.call('packets.verify', {
      ref: cartridge.packetId,
      level: 'recomputed',
    })
    return ended(ok, null, maxShare, rmsShare)
  } catch (thrown) {
    const { code, details } = toStatePackError(thrown)
    const number = (value: unknown) => (typeof value === 'number' ? value : null)
    return ended(false, code, number(details.share), number(details.rmsShare))
  }
}

const [list = ''] = process.argv.slice(2)
const shelf: Shelved[] = JSON.parse(await readFile(list, 'utf8'))
for (const model of MODELS)
  for (const precision of PRECISIONS) {
    const engine = await openAt({ model, precision })
    for (const one of shelf)
      if (one.model === model && one.precision === precision) console.log(JSON.stringify(await recompute(engine, one)))
    await engine.close()
  }
