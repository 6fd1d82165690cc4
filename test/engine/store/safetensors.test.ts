import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeSafetensors,
  parseSafetensors,
  parseSafetensorsHeader,
  SAFETENSORS_DTYPES,
  type SafeTensor,
  type SafetensorsDtype,
} from '#engine/store/safetensors.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { hostileHeaders, safetensorsOf } from './hostileSafetensors.ts'

const RUNS = process.env.DEEP ? 10_000 : 500
const dtypes = Object.keys(SAFETENSORS_DTYPES) as SafetensorsDtype[]

const tensor = (name: string): fc.Arbitrary<SafeTensor> =>
  fc
    .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat(5), { maxLength: 4 }), seed: fc.nat(255) })
    .map(({ dtype, shape, seed }) => {
      const size = shape.reduce((a, b) => a * b, SAFETENSORS_DTYPES[dtype] as number)
      return { name, dtype, shape, data: Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) & 255) }
    })
const file = fc
  .uniqueArray(
    fc.stringMatching(/^[!-~]{1,20}$/).filter(name => name !== '__metadata__'),
    { maxLength: 6 },
  )
  .chain(names => fc.tuple(...names.map(tensor)))

describe('safetensors', () => {
  it('reads back what it wrote, byte for byte, with the buffer on a 64-byte boundary', () => {
    fc.assert(
      fc.property(
        file,
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })),
        (tensors, metadata) => {
          const bytes = encodeSafetensors(tensors, metadata)
          expect(parseSafetensorsHeader(bytes, bytes.length).bufferStart % 64).toBe(0)
          const read = parseSafetensors(bytes)
          expect([...read.tensors.values()].map(plain).sort(byName)).toEqual(tensors.map(plain).sort(byName))
          expect(read.metadata).toEqual({ ...metadata })
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('lays the file out as the public specification says', () => {
    const bytes = encodeSafetensors([
      { name: 'x', dtype: 'I32', shape: [2], data: new Uint8Array([1, 0, 0, 0, 2, 0, 0, 0]) },
    ])
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
    const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString())
    expect(header).toEqual({ x: { dtype: 'I32', shape: [2], data_offsets: [0, 8] } })
    expect([...bytes.subarray(8 + length)]).toEqual([1, 0, 0, 0, 2, 0, 0, 0])
  })

  it('accepts the file the hostile ones are made from (control)', () => {
    expect(() =>
      parseSafetensors(safetensorsOf('{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 8)),
    ).not.toThrow()
  })

  it.each(hostileHeaders.map(({ name, bytes, code }) => [name, bytes, code] as const))(
    'refuses: %s',
    (_, bytes, code) => {
      const before = process.memoryUsage().arrayBuffers
      expect(codeOf(() => parseSafetensors(bytes))).toBe(code)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024)
    },
  )

  it('has at least 40 hostile files', () => expect(hostileHeaders.length).toBeGreaterThanOrEqual(40))

  it('answers mutated files with a typed error or a full reading', () => {
    const base = encodeSafetensors(
      [
        { name: 'a', dtype: 'F32', shape: [2, 2], data: new Uint8Array(16) },
        { name: 'b', dtype: 'U8', shape: [3], data: new Uint8Array([1, 2, 3]) },
      ],
      { k: 'v' },
    )
    const mutation = fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(mutation, fc.option(fc.nat(base.length)), (edits, cut) => {
        const bytes = base.slice(0, cut ?? base.length)
        for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte
        try {
          const { tensors } = parseSafetensors(bytes)
          expect([...tensors.values()].reduce((sum, t) => sum + t.data.length, 0)).toBeLessThanOrEqual(bytes.length)
        } catch (error) {
          expect(error).toBeInstanceOf(StatePackError)
        }
      }),
      { numRuns: RUNS * 4 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(['E_BAD_FORMAT', 'E_TOO_LARGE']).toContain(codeOf(() => parseSafetensors(bytes)))
      }),
      { numRuns: RUNS },
    )
  })

  it('refuses to write a tensor whose bytes do not fit its shape', () => {
    const wrong = { name: 'x', dtype: 'F32', shape: [2], data: new Uint8Array(7) } as const
    expect(codeOf(() => encodeSafetensors([wrong]))).toBe('E_BAD_INPUT')
  })
})

const plain = (t: SafeTensor) => ({ name: t.name, dtype: t.dtype, shape: [...t.shape], data: [...t.data] })

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'no error'
  } catch (error) {
    return error instanceof StatePackError ? error.code : String(error)
  }
}
