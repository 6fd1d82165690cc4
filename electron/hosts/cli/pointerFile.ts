/**
 * `state_packet_<base_sha256>.json`: State Pack's manifest file. Ours points into the store by packet_id and context_id and
 * keeps the fields of v0.1, so that its scripts go on working.
 */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { legacyPacketId } from '#engine/receipts/legacy.ts'
import { sha256 } from '#engine/sha256.ts'
import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { readBytes, readJsonFile } from './readInput.ts'

const hex = z.string().regex(/^[0-9a-f]{64}$/)

export const pointerSchema = z.object({
  version: z.string(),
  model: z.string(),
  base_sha256: hex,
  base_bytes: z.number().int().nonnegative(),
  base_tokens: z.number().int().nonnegative().nullable(),
  base_file: z.string().nullable(),
  blob_sha256: hex,
  blob_bytes: z.number().int().nonnegative(),
  blob_file: z.string().nullable(),
  packet_id: z.string(),
  context_id: z.string().optional(),
})
export type Pointer = z.infer<typeof pointerSchema>

/** Writes the pointer beside the store; returns its path. */
export async function writePointer(folder: string, pointer: Pointer): Promise<string> {
  const path = join(folder, `state_packet_${pointer.base_sha256}.json`)
  await writeFile(path, `${JSON.stringify(pointer, null, 2)}\n`)
  return path
}

/**
 * What `--manifest` names: a pointer file (then its packet, and the store it lies in), or a packet_id, context_id or name.
 * Throws `E_BAD_JSON` or `E_BAD_FORMAT` for a file that is no pointer.
 */
export async function resolveManifest(
  manifest: string,
): Promise<{ ref: string; store?: string; foreign?: Pointer & { folder: string } }> {
  if (!existsSync(manifest)) return { ref: manifest }
  const parsed = pointerSchema.safeParse(await readJsonFile(manifest))
  if (!parsed.success) {
    throw new StatePackError('E_BAD_FORMAT', `${manifest} is not a state packet: ${z.prettifyError(parsed.error)}`, {
      path: manifest,
    })
  }
  const folder = dirname(manifest)
  if (parsed.data.context_id === undefined) return { ref: parsed.data.packet_id, foreign: { ...parsed.data, folder } }
  return { ref: parsed.data.packet_id, ...(existsSync(join(folder, 'oci-layout')) ? { store: folder } : {}) }
}

/**
 * Checks a v0.1 packet: the digest of its blob and the packet_id over its fields. The blob itself is a pickle of another
 * program and is never loaded. Throws `E_CORRUPT` naming the field.
 */
export async function verifyForeign(
  pointer: Pointer & { folder: string },
): Promise<{ ok: true; packet_id: string; blob_sha256: string; foreign: true }> {
  const { version, model, base_sha256, base_bytes, blob_sha256, blob_bytes, blob_file, packet_id, folder } = pointer
  const expected = legacyPacketId({ version, model, base_sha256, base_bytes, blob_sha256, blob_bytes })
  if (expected !== packet_id) {
    throw new StatePackError('E_CORRUPT', 'The packet_id is not the digest of the fields.', {
      field: 'packet_id',
      expected,
      found: packet_id,
    })
  }
  if (blob_file === null)
    throw new StatePackError('E_MISSING_BLOB', 'The packet names no blob file.', { field: 'blob_file' })
  const blob = await readBytes(join(folder, blob_file), Number.MAX_SAFE_INTEGER)
  const found = hexOf(sha256(blob))
  if (found !== blob_sha256 || blob.byteLength !== blob_bytes) {
    throw new StatePackError('E_CORRUPT', 'The blob is not the one the packet names.', {
      field: 'blob_sha256',
      expected: blob_sha256,
      found,
    })
  }
  return { ok: true, packet_id, blob_sha256, foreign: true }
}
