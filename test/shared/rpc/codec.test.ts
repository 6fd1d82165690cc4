import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StatePackError } from '#shared/domain/error.ts'
import { createFrameReader, encodeFrame } from '#shared/rpc/codec.ts'

const runs = process.env.DEEP ? 10_000 : 300

const typedArray = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.int32Array({ maxLength: 20 }),
  fc.uint32Array({ maxLength: 20 }),
  fc.float32Array({ maxLength: 20 }),
  fc.float64Array({ maxLength: 20 }),
)
/** JSON values with typed arrays anywhere in them. */
const { value: message } = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    typedArray,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 12 }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

function frame(header: string, body = new Uint8Array(0)): Uint8Array {
  const bytes = new TextEncoder().encode(header)
  const out = new Uint8Array(8 + bytes.length + body.length)
  new DataView(out.buffer).setUint32(0, bytes.length, true)
  new DataView(out.buffer).setUint32(4, body.length, true)
  out.set(bytes, 8)
  out.set(body, 8 + bytes.length)
  return out
}

/** The value of bytes that must be exactly one frame. */
function decodeFrame(bytes: Uint8Array): unknown {
  const reader = createFrameReader(bytes.byteLength)
  const values = reader.push(bytes)
  if (values.length !== 1 || !reader.atBoundary) throw new StatePackError('E_BAD_JSON', 'not one whole frame')
  return values[0]
}

describe('frames', () => {
  it('give back the value, typed arrays of the same type and content included', () => {
    fc.assert(
      fc.property(message, value => {
        expect(decodeFrame(encodeFrame(value))).toEqual(value)
      }),
      { numRuns: runs },
    )
  })

  it('can be cut anywhere and follow one another', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(64), { minLength: 1 }),
        (values, cuts) => {
          const stream = Buffer.concat(values.map(encodeFrame))
          const reader = createFrameReader(1 << 20)
          const got: unknown[] = []
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = 1 + (cuts[i % cuts.length] ?? 0)
            got.push(...reader.push(stream.subarray(at, at + size)))
            at += size
          }
          expect(got).toEqual(values)
          expect(reader.atBoundary).toBe(true)
        },
      ),
      { numRuns: runs },
    )
  })

  it('carry float32 numbers bit for bit and without base64', () => {
    const values = new Float32Array([0.1, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-45])
    const bytes = encodeFrame({ values })
    const back = decodeFrame(bytes) as { values: Float32Array }
    expect(new Uint32Array(back.values.buffer.slice(back.values.byteOffset, back.values.byteOffset + 20))).toEqual(
      new Uint32Array(values.buffer),
    )
    expect(encodeFrame(new Uint8Array(1_000_000)).byteLength).toBeLessThan(1_000_200)
  })

  it('refuse every cut-off frame and every byte too many', () => {
    const whole = encodeFrame({ a: new Uint8Array([1, 2, 3]), b: 'x' })
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeFrame(whole.subarray(0, length))).toThrowError(
        expect.objectContaining({ code: expect.any(String) }),
      )
    }
    expect(() => decodeFrame(new Uint8Array([...whole, 0]))).toThrow()
  })

  it('refuse an announced size over the limit before it arrives', () => {
    const reader = createFrameReader(1000)
    const prefix = new Uint8Array(8)
    new DataView(prefix.buffer).setUint32(4, 0xffffffff, true)
    expect(() => reader.push(prefix)).toThrowError(expect.objectContaining({ code: 'E_TOO_LARGE' }))
  })

  it.each([
    ['no JSON', '{'],
    ['no object', '3'],
    ['no list of arrays', '{"value":1}'],
    ['an array outside the value', '{"value":{},"arrays":[{"path":["x"],"type":"Uint8Array","bytes":0}]}'],
    ['an array over a value', '{"value":{"x":1},"arrays":[{"path":["x"],"type":"Uint8Array","bytes":0}]}'],
    ['a prototype', '{"value":{},"arrays":[{"path":["__proto__"],"type":"Uint8Array","bytes":0}]}'],
    ['a constructor', '{"value":{},"arrays":[{"path":["constructor","prototype"],"type":"Uint8Array","bytes":0}]}'],
    ['an unknown type', '{"value":null,"arrays":[{"path":[],"type":"SharedArrayBuffer","bytes":0}]}'],
    ['an inherited type', '{"value":null,"arrays":[{"path":[],"type":"toString","bytes":0}]}'],
    ['a torn element', '{"value":null,"arrays":[{"path":[],"type":"Float32Array","bytes":3}]}'],
    ['a negative length', '{"value":null,"arrays":[{"path":[],"type":"Uint8Array","bytes":-8}]}'],
    ['more than there is', '{"value":null,"arrays":[{"path":[],"type":"Uint8Array","bytes":8}]}'],
  ])('refuse a header with %s', (_name, header) => {
    expect(() => decodeFrame(frame(header))).toThrowError(expect.objectContaining({ code: 'E_BAD_JSON' }))
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  it('never do anything but decode or refuse with a code, whatever the bytes', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(255), (value, where, byte) => {
        const bytes = encodeFrame(value)
        bytes[where % bytes.length] = byte
        try {
          decodeFrame(bytes)
        } catch (thrown) {
          expect((thrown as { code?: string }).code).toMatch(/^E_(BAD_JSON|TOO_LARGE)$/)
        }
      }),
      { numRuns: runs },
    )
  })
})
