/** Reads the reference tensors of a golden case: float32 and int32, as the reference implementation wrote them. */
import { readFile } from 'node:fs/promises'

export interface GoldenTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array
}

export async function readGoldenTensors(path: string): Promise<ReadonlyMap<string, GoldenTensor>> {
  const bytes = await readFile(path)
  const dataStart = 8 + Number(bytes.readBigUInt64LE())
  const header: unknown = JSON.parse(bytes.subarray(8, dataStart).toString('utf8'))
  const tensors = new Map<string, GoldenTensor>()
  for (const [name, entry] of Object.entries(Object(header))) {
    if (name === '__metadata__') continue
    const { dtype, shape, data_offsets: offsets } = Object(entry)
    const part = Uint8Array.from(bytes.subarray(dataStart + offsets[0], dataStart + offsets[1])).buffer
    tensors.set(name, { shape, data: dtype === 'I32' ? new Int32Array(part) : new Float32Array(part) })
  }
  return tensors
}

/** Largest absolute difference; infinite when the lengths differ or a value is not a number. */
export function maxAbsDiff(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let largest = 0
  for (let index = 0; index < a.length; index++) {
    const difference = Math.abs((a[index] ?? Number.NaN) - (b[index] ?? Number.NaN))
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY
    if (difference > largest) largest = difference
  }
  return largest
}
