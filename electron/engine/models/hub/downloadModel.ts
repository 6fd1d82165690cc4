/** A model from the hub: fetched beside the installed ones, checked, opened once, and only then moved among them. */
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ErrorCode, StatePackError } from '#shared/domain/error.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { digestOf, downloadFile, sizeOf, type WantedFile } from '../../network/downloadFile.ts'
import { type FetchOptions, PATIENCE, type Patience } from '../../network/patientFetch.ts'
import { TransferMeter } from '../../network/transferMeter.ts'
import { parsePythonJson } from '../sources/configJson.ts'
import { openModel } from '../sources/openModel.ts'
import { chooseFiles } from './chooseFiles.ts'
import { lockDownload } from './downloadLock.ts'
import { createHubFetch, type HubAccess } from './hubFetch.ts'
import type { HubModel } from './hubId.ts'
import { listRepoFiles, statusError } from './repoFiles.ts'

export interface DownloadOptions extends HubAccess {
  /** Where installed models are, one folder each. */
  readonly modelsFolder: string
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
  readonly patience?: Partial<Patience>
  /** Bytes that may still be written to the disk of a folder. */
  readonly freeBytes?: (folder: string) => Promise<number>
}

/** Inside the models folder, so that the last step is a rename; without a config.json of its own it is no model. */
export const UNFINISHED = '.downloads'
/** Refusals of what the model is, in contrast to how it arrived. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['E_NOT_SUPPORTED', 'E_MODEL_CONFIG', 'E_MODEL_WEIGHTS', 'E_TOKENIZER'])
/** Left free on the disk: a full one harms everything else. */
const RESERVE = 256 << 20

/**
 * Returns the model's folder; one that is installed already is returned as it is. A download that was interrupted, by a
 * cancellation or a crash, goes on where it was. Throws `E_NOT_FOUND`, `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_NETWORK`,
 * `E_CORRUPT`, `E_DISK_FULL`, `E_CONFLICT` (someone else is downloading it), `E_CANCELLED`, and what opening the model throws.
 */
export async function downloadModel(model: HubModel, options: DownloadOptions): Promise<string> {
  const target = join(options.modelsFolder, model.folderName)
  if (await isThere(join(target, 'config.json'))) return target
  const staging = join(options.modelsFolder, UNFINISHED, model.folderName)
  await mkdir(staging, { recursive: true })
  using _lock = lockDownload(`${staging}.lock`, model.hubId)
  try {
    await fill(staging, model, options)
    await openModel(staging, {
      name: model.folderName,
      signal: options.signal,
      onProgress: ({ done, total }) => options.progress?.({ phase: 'hashing weights', done, total, unit: 'bytes' }),
    })
  } catch (error) {
    // Every byte is as published, so another try would end the same way: nothing is kept for it.
    if (error instanceof StatePackError && FINAL.has(error.code)) await rm(staging, { recursive: true, force: true })
    throw error
  }
  await rename(staging, target)
  await syncFolder(dirname(target))
  return target
}

async function fill(staging: string, model: HubModel, options: DownloadOptions): Promise<void> {
  const { signal, progress = () => {} } = options
  const endpoint = options.endpoint.replace(/\/+$/, '')
  const patience = { ...PATIENCE, ...options.patience }
  const get: FetchOptions = { server: 'The hub', fetch: createHubFetch({ ...options, endpoint }), patience, signal }
  const onWait = ({ why }: { why: string }) => progress({ phase: why })
  progress({ phase: 'asking the hub' })
  const files = await listRepoFiles(model, { ...get, endpoint, onWait })
  const config = files.find(({ path }) => path === 'config.json')
  if (config === undefined) {
    const message = `${model.hubId} is no model this app can run: it has no config.json.`
    throw new StatePackError('E_NOT_SUPPORTED', message, { hubId: model.hubId })
  }
  const fetchOne = async (file: WantedFile, meter: TransferMeter) => {
    const path = join(staging, file.path)
    await mkdir(dirname(path), { recursive: true })
    const url = `${endpoint}/${model.hubId}/resolve/${encodeURIComponent(model.revision)}/${file.path}`
    await downloadFile(file, {
      ...{ ...get, url, path, meter },
      refusal: status => statusError(status, model.hubId, endpoint),
      onWait: waiting => meter.waiting(waiting),
    })
  }
  // First what decides whether the rest is worth fetching.
  if (config.size > 10_000_000) throw new StatePackError('E_MODEL_CONFIG', 'config.json is far too large.')
  await rm(join(staging, 'config.json'), { force: true })
  await fetchOne(config, new TransferMeter(config.size, progress))
  const fields = parsePythonJson(await readFile(join(staging, 'config.json')))
  const chosen = chooseFiles(files, { hubId: model.hubId, fields })
  const wanted = new Map([config, ...chosen].map(file => [file.path, file]))
  const meter = new TransferMeter(
    [...wanted.values()].reduce((sum, { size }) => sum + size, 0),
    progress,
  )
  meter.found(config.size)
  const missing: WantedFile[] = []
  await dropOthers(staging, wanted)
  for (const file of chosen) {
    const path = join(staging, file.path)
    if (
      (await sizeOf(path)) === file.size &&
      (await isThere(path)) &&
      (await digestOf(path, file, signal)) === file.digest.hex
    ) {
      meter.found(file.size)
      continue
    }
    await rm(path, { force: true })
    missing.push(file)
    const part = await sizeOf(`${path}.part`)
    if (part <= file.size) meter.found(part)
  }
  await requireSpace(staging, missing, options.freeBytes ?? freeBytes)
  for (const file of missing) await fetchOne(file, meter)
}

/** What an older version of the repository left behind. */
async function dropOthers(staging: string, wanted: ReadonlyMap<string, WantedFile>): Promise<void> {
  for (const entry of await readdir(staging, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) continue
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(staging.length + 1).replaceAll('\\', '/')
    if (!wanted.has(name.replace(/\.part$/, ''))) await rm(path)
  }
}

async function requireSpace(
  staging: string,
  missing: readonly WantedFile[],
  free: (folder: string) => Promise<number>,
): Promise<void> {
  let needed = 0
  for (const { path, size } of missing) needed += size - Math.min(size, await sizeOf(join(staging, `${path}.part`)))
  const there = await free(staging)
  if (needed === 0 || there >= needed + RESERVE) return
  const [needs, has] = [needed + RESERVE, there].map(bytes => `${(bytes / 1e9).toFixed(1)} GB`)
  const message = `The disk is too full for this model: it needs ${needs}, and ${has} are free.`
  throw new StatePackError('E_DISK_FULL', message, { needed, free: there })
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

async function isThere(path: string): Promise<boolean> {
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
