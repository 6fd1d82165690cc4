/** Takes safetensors files apart and puts them together, for tests that need a changed copy. */
import { readFile, writeFile } from 'node:fs/promises'

export interface FileTensor {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

export async function readSafetensorsFile(path: string): Promise<FileTensor[]> {
  const file = await readFile(path)
  const start = 8 + Number(file.readBigUInt64LE())
  const header: unknown = JSON.parse(file.subarray(8, start).toString('utf8'))
  return Object.entries(Object(header))
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => {
      const { dtype, shape, data_offsets: offsets } = Object(entry)
      return { name, dtype, shape, bytes: Uint8Array.from(file.subarray(start + offsets[0], start + offsets[1])) }
    })
}

export async function writeSafetensorsFile(path: string, tensors: readonly FileTensor[]): Promise<void> {
  let offset = 0
  const header = Object.fromEntries(
    tensors.map(({ name, dtype, shape, bytes }) => {
      const begin = offset
      offset += bytes.length
      return [name, { dtype, shape, data_offsets: [begin, offset] }]
    }),
  )
  const text = Buffer.from(JSON.stringify(header))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(text.length))
  await writeFile(path, Buffer.concat([prefix, text, ...tensors.map(({ bytes }) => bytes)]))
}
