/** A model from the hub, file by file, each with the digest that the hub lists. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import { digestOf, downloadFile, sizeOf, type WantedFile } from '../../network/downloadFile.ts'
import { type FetchOptions, PATIENCE } from '../../network/patientFetch.ts'
import { TransferMeter } from '../../network/transferMeter.ts'
import { parsePythonJson } from '../sources/configJson.ts'
import { chooseFiles } from './chooseFiles.ts'
import { createHubFetch, type HubAccess } from './hubFetch.ts'
import type { HubModel } from './hubId.ts'
import { type InstallOptions, installModel, isThere } from './installModel.ts'
import { listRepoFiles, statusError } from './repoFiles.ts'
import { requireSpace } from './requireSpace.ts'

export type DownloadOptions = HubAccess & InstallOptions

/**
 * Returns the model's folder; one that is installed already is returned as it is. A download that was interrupted, by a
 * cancellation or a crash, goes on where it was. Throws `E_NOT_FOUND`, `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_NETWORK`,
 * `E_CORRUPT`, `E_DISK_FULL`, `E_CONFLICT` (someone else is downloading it), `E_CANCELLED`, and what opening the model throws.
 */
export async function downloadModel(model: HubModel, options: DownloadOptions): Promise<string> {
  const target = join(options.modelsFolder, model.folderName)
  return installModel({
    ...{ options, target, hubId: model.hubId, stagingName: model.folderName, mark: join(target, 'config.json') },
    fill: async staging => {
      await fill(staging, model, options)
      return staging
    },
  })
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
  await requireSpace(staging, missing, options.freeBytes)
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
