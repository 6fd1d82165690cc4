import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeModel } from '#engine/models/sources/openModel.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { LIES } from './lies.ts'
import { tinyGguf } from './tinyGguf.ts'

const ALLOWED = 64 * 2 ** 20
const MUTATIONS = process.env.DEEP === '1' ? 5000 : 400

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gguf-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a GGUF file that lies', () => {
  it('is refused by code before 64 MiB are allocated', async () => {
    const child = ['test/engine/models/gguf/refuseLies.ts', folder]
    const { stdout } = await promisify(execFile)(process.execPath, child)
    const { right, codes, grown } = JSON.parse(stdout)
    expect(right).toBe('opened')
    expect(codes).toEqual(Object.fromEntries(LIES.map(({ name, code }) => [name, code])))
    expect(grown).toBeLessThan(ALLOWED)
  })

  it(`never crashes or hangs the reader: ${MUTATIONS} changed headers`, async () => {
    const path = join(folder, 'changed.gguf')
    const right = tinyGguf()
    // Everything before the tensors, where a change means something.
    const header = right.indexOf('blk.0.ffn_down.weight') + 64
    let refused = 0
    for (let seed = 1; seed <= MUTATIONS; seed++) {
      await writeFile(path, mutate(right, { seed, header }))
      const error: unknown = await describeModel(path).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      if (error === null) continue
      refused++
      if (!(error instanceof StatePackError)) throw new Error(`Seed ${seed}: ${String(error)}`, { cause: error })
    }
    expect(refused).toBeGreaterThan(MUTATIONS / 4)
  })
})

/** One to four changes: a byte, a number of eight bytes, a cut, a piece twice. */
function mutate(right: Buffer, { seed, header }: { seed: number; header: number }): Buffer {
  const random = xoroshiro128plus(seed)
  const below = (limit: number): number => (random.next() >>> 0) % limit
  let bytes = Buffer.from(right)
  for (let change = below(4); change >= 0; change--) {
    const at = below(Math.min(header, bytes.length - 8))
    const kind = below(8)
    if (kind < 4) bytes[at] = below(256)
    else if (kind < 6) bytes.writeBigUInt64LE(2n ** BigInt(below(64)) - BigInt(below(2)), at)
    else if (kind === 6) bytes = bytes.subarray(0, bytes.length - below(bytes.length - at))
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - below(64)))])
    if (bytes.length < 64) break
  }
  return bytes
}
