/**
 * Between float32 and float16 by the runtime, which uses vector instructions and every core. A typed array converts number
 * by number, which takes longer than reading a whole state from disk.
 */
import { Tensor } from 'onnxruntime-node'
import { runCodec } from './codecRuns.ts'

/** To nearest, ties to even; what is over 65504 becomes an infinity. `to` is as long as `from`. */
export function roundNumbers(from: Float32Array, to: Float16Array): Promise<void> {
  return runCodec('round', { values: floats(from) }, { numbers: halves(to) })
}

/** `to` is as long as `from`. */
export function widenNumbers(from: Float16Array, to: Float32Array): Promise<void> {
  return runCodec('widen', { values: halves(from) }, { numbers: floats(to) })
}

/** Numbers that are rounded at once: what they become lies beside them meanwhile. */
const ROUNDED_AT_ONCE = 2 ** 20

/** Numbers as they come back from float16, in the place of what they were: all have been rounded before the first is written. */
export async function roundInPlace(arrays: readonly Float32Array[]): Promise<void> {
  for (const numbers of arrays) {
    for (let at = 0; at < numbers.length; at += ROUNDED_AT_ONCE) {
      const part = floats(numbers.subarray(at, at + ROUNDED_AT_ONCE))
      await runCodec('float16-float32', { values: part }, { numbers: part })
    }
  }
}

/** False where a number is an infinity or none: what is over 65504 rounds to infinity. */
export function isFiniteFloat16({ buffer, byteOffset, length }: Float16Array): boolean {
  // Two at a time: adding 1 to an exponent of all ones carries into the place of the sign.
  const edge = byteOffset % 4 === 0 ? 0 : Math.min(1, length)
  const pairs = new Uint32Array(buffer, byteOffset + 2 * edge, (length - edge) >> 1)
  let carries = 0
  for (let i = 0; i < pairs.length; i++) carries |= ((pairs[i] ?? 0) & 0x7c00_7c00) + 0x0400_0400
  const bits = new Uint16Array(buffer, byteOffset, length)
  for (const at of [0, length - 1]) carries |= ((bits[at] ?? 0) & 0x7c00) + 0x0400
  return (carries & 0x8000_8000) === 0
}

const floats = (data: Float32Array) => new Tensor('float32', data, [1, 1, data.length])

/** onnxruntime-node 1.30 takes a Float16Array and reads nothing from it: it wants the bits, under the name of the type. */
function halves({ buffer, byteOffset, length }: Float16Array): Tensor {
  const bits = new Tensor('uint16', new Uint16Array(buffer, byteOffset, length), [1, 1, length])
  return Object.defineProperty(bits, 'type', { value: 'float16' })
}
