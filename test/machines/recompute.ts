/** `node recompute.ts SHELF`: recomputes each cartridge of it on the machine that runs this, and prints a line of JSON for each. */
import { readFile } from 'node:fs/promises'
import { toStatePackError } from '#shared/domain/error.ts'
import { openAt, type Shelved } from './shelf.ts'

/** What one machine made of one cartridge. */
export interface Recomputed extends Pick<Shelved, 'model' | 'precision' | 'nature'> {
  readonly accepted: boolean
  /** Of the error that refused it. */
  readonly code: string | null
  /** The largest difference, as a share of the largest value of its tensor. */
  readonly share: number | null
  readonly seconds: number
}

async function recompute({ file, model, precision, nature }: Shelved): Promise<Recomputed> {
  const { client, close } = await openAt({ model, precision })
  const began = performance.now()
  const ended = (accepted: boolean, code: string | null, share: number | null) => ({
    ...{ model, precision, nature, accepted, code, share },
    seconds: (performance.now() - began) / 1000,
  })
  try {
    const { cartridge } = await client.call('packets.import', { path: file })
    const { ok, maxShare } = await client.call('packets.verify', { ref: cartridge.packetId, level: 'recomputed' })
    return ended(ok, null, maxShare)
  } catch (thrown) {
    const { code, details } = toStatePackError(thrown)
    return ended(false, code, typeof details.share === 'number' ? details.share : null)
  } finally {
    await close()
  }
}

const [list = ''] = process.argv.slice(2)
const shelf: Shelved[] = JSON.parse(await readFile(list, 'utf8'))
for (const one of shelf) console.log(JSON.stringify(await recompute(one)))
