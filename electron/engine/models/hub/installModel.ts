import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ErrorCode, StatePackError } from '#shared/domain/error.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { lockDownload } from '../../network/downloadLock.ts'
import type { Patience } from '../../network/patientFetch.ts'
import { openModel } from '../sources/openModel.ts'

export interface InstallOptions {
  /** Where installed models are: a folder each, or a GGUF file. */
  readonly modelsFolder: string
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
  readonly patience?: Partial<Patience>
  /** Bytes that may still be written to the disk of a folder. */
  readonly freeBytes?: (folder: string) => Promise<number>
}

export interface Installation {
  readonly hubId: string
  /** What the folder is called in which it arrives. */
  readonly stagingName: string
  /** Where it is once it is installed, and the file by which one sees that it is. */
  readonly target: string
  readonly mark: string
  readonly options: InstallOptions
  /** Brings everything into the folder, or goes on with it; returns what is to be moved to the target. */
  readonly fill: (staging: string) => Promise<string>
}

/** Inside the models folder, so that the last step is a rename; without a config.json of its own it is no model. */
export const UNFINISHED = '.downloads'
/** Refusals of what the model is, in contrast to how it arrived. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['E_NOT_SUPPORTED', 'E_MODEL_CONFIG', 'E_MODEL_WEIGHTS', 'E_TOKENIZER'])

/**
 * A model fetched beside the installed ones, opened once, and only then moved among them. Returns where it is; one that is
 * installed already is returned as it is. Throws `E_CONFLICT` (someone else is downloading it), what `fill` throws, and what
 * opening the model throws.
 */
export async function installModel({ hubId, stagingName, target, mark, options, fill }: Installation): Promise<string> {
  if (await isThere(mark)) return target
  const staging = join(options.modelsFolder, UNFINISHED, stagingName)
  await mkdir(staging, { recursive: true })
  using _lock = lockDownload(`${staging}.lock`, hubId)
  let made: string
  try {
    made = await fill(staging)
    await openModel(made, {
      name: stagingName,
      signal: options.signal,
      onProgress: ({ done, total }) => options.progress?.({ phase: 'hashing weights', done, total, unit: 'bytes' }),
    })
  } catch (error) {
    // Every byte is as published, so another try would end the same way: nothing is kept for it.
    if (error instanceof StatePackError && FINAL.has(error.code)) await rm(staging, { recursive: true, force: true })
    throw error
  }
  await rename(made, target)
  await syncFolder(dirname(target))
  await rm(staging, { recursive: true, force: true })
  return target
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders; there the rename itself is durable.
  if (process.platform === 'win32') return
  await using folder = await open(path, 'r')
  await folder.sync()
}
