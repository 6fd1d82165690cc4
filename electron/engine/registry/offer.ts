import { writeFile } from 'node:fs/promises'
import { sha256 } from '#engine/sha256.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf, CARTRIDGE_ARTIFACT } from '#shared/domain/oci.ts'
import { downloadFile, type WantedFile } from '../network/downloadFile.ts'
import type { FetchOptions, Waiting } from '../network/patientFetch.ts'
import { readAnswer } from '../network/readAnswer.ts'
import type { TransferMeter } from '../network/transferMeter.ts'
import { REFERRER_CAPS } from '../packets/referrers.ts'
import type { Root } from '../store/cartridgeFile/exportCartridge.ts'
import { parseManifest } from '../store/manifests.ts'

/** Bytes of the manifest of a signature, receipt or trace: far more than any has. */
export const LARGEST_REFERRER_MANIFEST = 64 * 1024
/** Bytes of one cartridge. */
const MOST_BYTES = 64 * 1024 ** 3
/** Bytes up to which a blob is fetched in one go. */
const SMALL = 16 * 1024

/** A manifest with its bytes. */
export interface FetchedRoot extends Root {
  readonly bytes: Uint8Array
}

/** A cartridge that some server has: its manifests are here, its blobs can be fetched. */
export interface Offer {
  readonly packet: FetchedRoot
  /** Signatures, receipts and traces, in the order of their digests. */
  readonly referrers: readonly FetchedRoot[]
  /** Those that are not what they are listed as; each is left out alone. */
  readonly refused: number
  /** Writes a blob where it is told, every byte checked. Throws `E_CORRUPT`, `E_NETWORK`, what the server refuses. */
  fetch(file: WantedFile, path: string, meter: TransferMeter): Promise<void>
}

/** Asks a server what it has; `onWait` hears whenever it lets us wait. */
export type OpenOffer = (onWait: (waiting: Waiting) => void) => Promise<Offer>

/** Throws `E_BAD_FORMAT` for what is no manifest. */
export function rootOf({ digest, bytes }: Pick<FetchedRoot, 'digest' | 'bytes'>): FetchedRoot {
  return { digest, size: bytes.byteLength, manifest: parseManifest(bytes), bytes }
}

/** A manifest that is a cartridge's, of a size that is taken. `where`: what it is called. Throws `E_BAD_FORMAT`, `E_TOO_LARGE`. */
export function cartridgeRoot(found: Pick<FetchedRoot, 'digest' | 'bytes'>, where: string): FetchedRoot {
  const packet = rootOf(found)
  if (packet.manifest.artifactType !== CARTRIDGE_ARTIFACT)
    throw new StatePackError('E_BAD_FORMAT', `${where} is not a cartridge.`)
  const size = blobsOf(packet.manifest).reduce((sum, blob) => sum + blob.size, 0)
  if (size > MOST_BYTES)
    throw new StatePackError('E_TOO_LARGE', 'The cartridge is larger than is allowed here.', { size, most: MOST_BYTES })
  return packet
}

/** A manifest that is a signature's, receipt's or trace's of this cartridge. Throws `E_BAD_FORMAT`. */
export function referrerRoot(found: Pick<FetchedRoot, 'digest' | 'bytes'>, { digest }: FetchedRoot): FetchedRoot {
  const root = rootOf(found)
  const { artifactType = '' } = root.manifest
  const cap = (REFERRER_CAPS as Readonly<Record<string, number>>)[artifactType] ?? 0
  const isTooLarge = root.size > LARGEST_REFERRER_MANIFEST || blobsOf(root.manifest).some(blob => blob.size > cap)
  if (isTooLarge || root.manifest.subject?.digest !== digest)
    throw new StatePackError('E_BAD_FORMAT', 'It is no signature, receipt or trace of this cartridge.', {
      digest: root.digest,
    })
  return root
}

/** A blob by its address: in one go when it is small, else resumed where it was cut. */
export async function fetchBlob(
  file: WantedFile,
  {
    url,
    path,
    meter,
    options,
    refusal,
  }: {
    url: string
    path: string
    meter: TransferMeter
    options: FetchOptions
    refusal: (answer: { status: number; body?: unknown }) => StatePackError
  },
): Promise<void> {
  if (file.size > SMALL)
    return await downloadFile(file, { ...options, ...{ url, path, meter }, refusal: status => refusal({ status }) })
  const answer = await readAnswer(url, { ...options, mostBytes: SMALL + 1 })
  if (answer.status !== 200) throw refusal(answer)
  if (sha256(answer.body) !== file.path) {
    const message = `${new URL(url).host} sent other bytes than the ones of this digest.`
    throw new StatePackError('E_CORRUPT', message, { digest: file.path })
  }
  await writeFile(path, answer.body)
  meter.received(file.size)
}

/** False when `work` fails for what something is; throws when it fails for how it could (not) be had now. */
export async function isSound(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (isAboutContent(error)) return false
    throw error
  }
}

const CONTENT: ReadonlySet<string> = new Set([
  ...['E_CORRUPT', 'E_BAD_FORMAT', 'E_TOO_LARGE', 'E_NOT_FOUND', 'E_MISSING_BLOB', 'E_BAD_SIGNATURE'],
  ...['E_UNSUPPORTED_VERSION', 'E_BAD_DIGEST'],
])

export function isAboutContent(error: unknown): boolean {
  return error instanceof StatePackError && CONTENT.has(error.code)
}
