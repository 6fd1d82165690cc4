/**
 * Packets of State Pack v0.1: bound by digests, checked, named in delta packets. Their blobs are pickles of another program
 * and are never loaded.
 */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { LEGACY_PACKET_VERSION, legacyPacketId } from '#engine/receipts/legacy.ts'
import { sha256 } from '#engine/sha256.ts'
import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type ForeignPacket, writePointer } from './pointerFile.ts'
import { readBytes, readTextFile } from './readInput.ts'

export const LEGACY_DELTA_VERSION = 'state-delta-v0.1'

/** State Pack's `create --blob`: writes the pointer and a copy of the blob into `folder`. */
export async function createForeign(options: { base: string; blob: string; model?: string; folder: string }) {
  const base = await readBytes(options.base)
  if (base.byteLength === 0) throw new StatePackError('E_EMPTY_TEXT', 'There is no text to bind.')
  const blob = await readBytes(options.blob, Number.MAX_SAFE_INTEGER)
  const fields = {
    version: LEGACY_PACKET_VERSION,
    model: options.model ?? 'gpt2',
    base_sha256: hexOf(sha256(base)),
    base_bytes: base.byteLength,
    base_tokens: null,
    base_file: basename(options.base),
    blob_sha256: hexOf(sha256(blob)),
    blob_bytes: blob.byteLength,
    blob_file: basename(options.blob),
  }
  const pointer = { ...fields, packet_id: legacyPacketId(fields) }
  await mkdir(options.folder, { recursive: true })
  const copy = join(options.folder, fields.blob_file)
  if (resolve(copy) !== resolve(options.blob)) await writeFile(copy, blob)
  return { ok: true, ...pointer, manifest: await writePointer(options.folder, pointer) }
}

/** Checks the packet_id over its fields and the blob beside it. Throws `E_CORRUPT` naming the field, `E_MISSING_BLOB`. */
export async function verifyForeign(packet: ForeignPacket) {
  assertOwnId(packet)
  const { base_sha256, blob_sha256, blob_bytes, blob_file, packet_id, folder } = packet
  const path = blob_file === null ? null : join(folder, basename(blob_file))
  if (path === null || !existsSync(path)) {
    throw new StatePackError('E_MISSING_BLOB', 'The blob of the packet is not beside it.', { blob: blob_file })
  }
  const blob = await readBytes(path, Number.MAX_SAFE_INTEGER)
  const found = hexOf(sha256(blob))
  if (found !== blob_sha256 || blob.byteLength !== blob_bytes) {
    throw new StatePackError('E_CORRUPT', 'The blob is not the one the packet names.', {
      field: 'blob_sha256',
      expected: blob_sha256,
      found,
    })
  }
  return { op: 'verify', ok: true, packet_id, base_sha256, blob_sha256, bytes: blob_bytes, foreign: true }
}

/** State Pack's own delta packet, for its own packets. */
export async function foreignDelta(packet: ForeignPacket, deltaFile: string) {
  assertOwnId(packet)
  const delta_text = await readTextFile(deltaFile)
  return {
    version: LEGACY_DELTA_VERSION,
    model: packet.model,
    base_sha256: packet.base_sha256,
    packet_id: packet.packet_id,
    delta_sha256: hexOf(sha256(delta_text)),
    delta_bytes: Buffer.byteLength(delta_text),
    delta_text,
  }
}

function assertOwnId({ version, model, base_sha256, base_bytes, blob_sha256, blob_bytes, packet_id }: ForeignPacket) {
  const expected = legacyPacketId({ version, model, base_sha256, base_bytes, blob_sha256, blob_bytes })
  if (expected === packet_id) return
  throw new StatePackError('E_CORRUPT', 'The packet_id is not the digest of the fields.', {
    field: 'packet_id',
    expected,
    found: packet_id,
  })
}
