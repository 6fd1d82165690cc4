import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import { encodeSafetensors, parseSafetensors, type SafeTensor, type SafetensorsFile } from '../store/safetensors.ts'

/** A place on disk for one state: what the honest benchmark pays for keeping it. */
export interface StateDisk {
  /** Writes the state durably; returns the bytes written. */
  write(snapshot: StateSnapshot): Promise<number>
  /** Reads the state last written, from its files. */
  read(): Promise<{ readonly snapshot: StateSnapshot; readonly bytes: number }>
}

/** States as safetensors files in a folder: one per block of keys and values, written once, and one for the recurrent layers. */
export function openStateDisk(folder: string): StateDisk {
  let state: StateSnapshot | null = null
  let blocks: string[] = []
  let count = 0
  // Blocks of a snapshot are never changed: one that was written is known by its first array.
  const files = new WeakMap<Float32Array, string>()

  async function save(tensors: readonly SafeTensor[]): Promise<{ file: string; bytes: number }> {
    const file = join(folder, `${count++}.safetensors`)
    const bytes = encodeSafetensors(tensors)
    await mkdir(folder, { recursive: true })
    const handle = await open(`${file}.new`, 'w', 0o600)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(`${file}.new`, file)
    return { file, bytes: bytes.byteLength }
  }

  let recurrentFile: string | null = null
  return {
    async write(snapshot) {
      let bytes = 0
      blocks = []
      for (const block of snapshot.blocks) {
        const mark = block.layers[0]?.key
        let file = mark === undefined ? undefined : files.get(mark)
        if (file === undefined) {
          const saved = await save(
            block.layers.flatMap(l => [tensor(`key.${l.layer}`, l.key), tensor(`value.${l.layer}`, l.value)]),
          )
          file = saved.file
          bytes += saved.bytes
          if (mark !== undefined) files.set(mark, file)
        }
        blocks.push(file)
      }
      if (snapshot.recurrent.length > 0) {
        const saved = await save(
          snapshot.recurrent.flatMap(l => [tensor(`conv.${l.layer}`, l.conv), tensor(`ssm.${l.layer}`, l.ssm)]),
        )
        recurrentFile = saved.file
        bytes += saved.bytes
      }
      state = snapshot
      return bytes
    },

    async read() {
      if (state === null) throw new StatePackError('E_NOT_FOUND', 'No state was written yet.')
      const shape = state
      let bytes = 0
      const load = async (file: string) => {
        const content = await readFile(file)
        bytes += content.byteLength
        return parseSafetensors(content)
      }
      const read = []
      for (const [i, file] of blocks.entries()) {
        const content = await load(file)
        const block = shape.blocks[i]
        if (block === undefined) continue
        const layers = block.layers.map(l => ({
          ...l,
          key: values(content, `key.${l.layer}`),
          value: values(content, `value.${l.layer}`),
        }))
        read.push({ ...block, layers })
      }
      const content = recurrentFile === null ? null : await load(recurrentFile)
      const recurrent = shape.recurrent.map(l =>
        content === null
          ? l
          : { ...l, conv: values(content, `conv.${l.layer}`), ssm: values(content, `ssm.${l.layer}`) },
      )
      return { snapshot: { ...shape, blocks: read, recurrent }, bytes }
    },
  }
}

function tensor(name: string, data: Float32Array): SafeTensor {
  return {
    name,
    dtype: 'F32',
    shape: [data.length],
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  }
}

function values(file: SafetensorsFile, name: string): Float32Array {
  const data = file.tensors.get(name)?.data
  if (data === undefined) throw new StatePackError('E_BAD_FORMAT', `The stored state has no tensor ${name}.`)
  return new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength))
}
