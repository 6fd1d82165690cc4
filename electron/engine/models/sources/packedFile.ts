/** The file beside a quantised GGUF model that holds its numbers as the runtime reads them: written once, and then trusted by digest. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CompiledGraph } from '../model.ts'
import type { Checkpoint } from './checkpoint.ts'
import { layOut } from './convertCheckpoint.ts'
import { hashTensors, weightsDigest } from './fingerprint.ts'
import { joinPacked } from './packedPieces.ts'
import { type ConvertedSource, conversionOf, convertedCheckpoint, convertedName } from './precision.ts'

type Prepare = NonNullable<CompiledGraph['prepare']>

const NAME = convertedName('packed')
/** Holds the digest of what was written, so that a file that was damaged since is written anew. */
const DIGEST_NAME = NAME.replace(/safetensors$/, 'sha256')
/** One at a time for each folder: a model may be opened twice. */
const underWay = new Map<string, Promise<string>>()

/** Where the numbers will lie in a file of `folder`, and what writes that file unless it is there: nothing is read until then. */
export function packedCheckpoint(
  source: ConvertedSource,
  { folder, cacheFolder }: { readonly folder: string; readonly cacheFolder?: string },
): { readonly checkpoint: Checkpoint; readonly prepare: Prepare } {
  const { tensors } = layOut(source.checkpoint, conversionOf(source, 'packed'), NAME)

  async function write(options: Parameters<Prepare>[0]): Promise<string> {
    const make = () => convertedCheckpoint(source, 'packed', { folder, ...options })
    const digestOf = async (packed: Checkpoint) =>
      weightsDigest([...packed.tensors.values()], await hashTensors(packed, { cacheFolder, signal: options.signal }))
    const found = await make()
    const digest = await digestOf(found)
    const written = await readFile(join(folder, DIGEST_NAME), 'utf8').catch(() => null)
    if (written === digest && isLaidOut(found)) return found.folder
    const made = written === null && isLaidOut(found) ? found : await rm(join(folder, NAME)).then(make)
    await writeFile(join(folder, DIGEST_NAME), await digestOf(made))
    return made.folder
  }

  function isLaidOut(packed: Checkpoint): boolean {
    const planned = [...tensors.values()]
    return (
      packed.tensors.size === planned.length &&
      planned.every(({ name, offset, length }) => {
        const there = packed.tensors.get(name)
        return there?.offset === offset && there.length === length
      })
    )
  }

  return {
    checkpoint: joinPacked({ folder, files: [NAME], tensors }, source.checkpoint),
    prepare(options) {
      const running = underWay.get(folder)
      if (running !== undefined) return running
      const writing = write(options).finally(() => underWay.delete(folder))
      underWay.set(folder, writing)
      return writing
    },
  }
}
