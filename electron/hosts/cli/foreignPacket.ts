/**
 * Packets of State Pack v0.1: bound by digests, checked, named in delta packets and receipts. Their blobs are pickles of
 * another program and are never loaded: their state is that of their text, read by an installed model.
 */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  LEGACY_PACKET_VERSION,
  type LegacyReceipt,
  legacyHash,
  legacyPacketId,
  legacyReceiptId,
} from '#engine/receipts/legacy.ts'
import { sha256 } from '#engine/sha256.ts'
import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type Pointer, type PointerFile, pointerPath, readPointer, writePointer } from './pointerFile.ts'
import { readBytes, readTextFile } from './readInput.ts'
import type { Resolved } from './references.ts'
import type { Session } from './run.ts'
import { writeOutput } from './writeOutput.ts'

export const LEGACY_DELTA_VERSION = 'state-delta-v0.1'

/** What names the text of a foreign packet: its pointer and its delta packets do. */
export type ForeignText = Pick<Pointer, 'model' | 'base_sha256' | 'packet_id'>

/** State Pack's `create --blob`: writes the pointer and a copy of the blob into `folder`. */
export async function createForeign(options: { base: string; blob: string; model?: string; folder: string }) {
  const base = await readTextFile(options.base)
  if (base.trim() === '') throw new StatePackError('E_EMPTY_TEXT', 'There is no text to bind.')
  const bound = await bindBlob(options, {
    model: options.model ?? 'gpt2',
    base_sha256: hexOf(sha256(base)),
    base_bytes: Buffer.byteLength(base),
    base_tokens: (await gpt2Tokens(base)).length,
    base_file: basename(options.base),
  })
  return { ...foreignReceipt({ op: 'create', bytes: bound.blob_bytes }, bound), ...bound }
}

/** State Pack's `merge --blob`: a packet of its own, named by parent and delta, bound to the cache that the caller made. */
export async function mergeForeign(
  packet: PointerFile,
  delta: { readonly text: string },
  options: { blob: string; folder: string },
) {
  assertOwnId(packet)
  const delta_sha256 = hexOf(sha256(delta.text))
  const bound = await bindBlob(options, {
    model: packet.model,
    base_sha256: legacyHash(packet.base_sha256, delta.text),
    base_bytes: packet.base_bytes + Buffer.byteLength(delta.text),
    base_tokens: (packet.base_tokens ?? 0) + (await gpt2Tokens(delta.text)).length,
    base_file: `merge:${packet.base_sha256}+${delta_sha256}`,
  })
  return { ...foreignReceipt({ op: 'merge', bytes: bound.blob_bytes, delta_sha256 }, bound), ...bound }
}

/** Writes a pointer and the blob it binds, under State Pack's names. */
async function bindBlob(
  { blob: path, folder }: { blob: string; folder: string },
  base: Pick<Pointer, 'model' | 'base_sha256' | 'base_bytes' | 'base_tokens' | 'base_file'>,
) {
  const blob = await readBytes(path, Number.MAX_SAFE_INTEGER)
  const fields = {
    version: LEGACY_PACKET_VERSION,
    ...base,
    blob_sha256: hexOf(sha256(blob)),
    blob_bytes: blob.byteLength,
    blob_file: `state_packet_${base.base_sha256}.pt`,
  } as const
  const pointer = { ...fields, packet_id: legacyPacketId(fields) }
  await mkdir(folder, { recursive: true })
  const copy = join(folder, fields.blob_file)
  const standing = existsSync(copy) ? hexOf(sha256(await readBytes(copy, Number.MAX_SAFE_INTEGER))) : null
  // The very blob may be there; another one is replaced only if the pointer beside it says that it was made so, too.
  const isBound = standing !== null && standing === (await boundIn(folder, base.base_sha256))
  if (standing !== fields.blob_sha256) await writeOutput(copy, blob, () => isBound)
  return { ...pointer, manifest: await writePointer(folder, pointer) }
}

async function boundIn(folder: string, baseSha256: string): Promise<string | null> {
  const pointer = await readPointer(pointerPath(folder, baseSha256)).catch(() => null)
  return pointer?.blob_sha256 ?? null
}

/** GPT-2's token ids: State Pack counts and traces with them, whatever the model. */
export async function gpt2Tokens(text: string): Promise<number[]> {
  const { encode } = await import('gpt-tokenizer/encoding/r50k_base')
  return encode(text, { disallowedSpecial: new Set() })
}

/** State Pack's `resolve`: the packet of a base hash whose files lie in this folder; null where there is none of its own. */
export async function findForeign(folder: string, baseHash: string) {
  const path = pointerPath(folder, baseHash)
  if (!existsSync(path)) return null
  const pointer = await readPointer(path)
  if (pointer.context_id !== undefined) return null
  assertOwnId(pointer)
  const { folder: _, ...fields } = pointer
  return {
    ...fields,
    manifest: path,
    blob: pointer.blob_file === null ? null : join(folder, basename(pointer.blob_file)),
  }
}

/** Checks the packet_id over its fields and the blob beside it. Throws `E_CORRUPT` naming the field, `E_MISSING_BLOB`. */
export async function verifyForeign(packet: PointerFile) {
  assertOwnId(packet)
  const { blob_sha256, blob_bytes, blob_file, folder } = packet
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
  return { ...foreignReceipt({ op: 'verify', bytes: blob_bytes }, packet), foreign: true }
}

/** State Pack's own delta packet, for its own packets. */
export async function foreignDelta(packet: PointerFile, deltaFile: string) {
  assertOwnId(packet)
  const delta_text = await readTextFile(deltaFile)
  const delta = {
    version: LEGACY_DELTA_VERSION,
    model: packet.model,
    base_sha256: packet.base_sha256,
    packet_id: packet.packet_id,
    delta_sha256: hexOf(sha256(delta_text)),
    delta_bytes: Buffer.byteLength(delta_text),
    delta_text,
  }
  const { delta_sha256, delta_bytes } = delta
  return { delta, receipt: foreignReceipt({ op: 'delta', bytes: delta_bytes, delta_sha256 }, packet) }
}

/**
 * The state of a foreign packet: the cartridge that an installed model has made, or makes now, of the text whose SHA-256 the
 * packet names. Throws `E_NOT_SUPPORTED` where the library has none and `base` is not given, `E_CORRUPT` when that is not
 * the packet's text.
 */
export async function foreignState(session: Session, packet: ForeignText, base?: string): Promise<Resolved> {
  const { client, engine, call } = session
  const installed = engine.state.models.entries().some(({ id }) => id === packet.model)
  const model = session.model ?? (installed ? packet.model : undefined)
  const find = () => client.call('packets.resolve', { ref: packet.base_sha256, model }, call)
  if (base === undefined) {
    return find().catch(thrown => {
      if (!(thrown instanceof StatePackError) || thrown.code !== 'E_NOT_FOUND') throw thrown
      throw new StatePackError(
        'E_NOT_SUPPORTED',
        'The blob of this State Pack packet is an opaque cache of another program and is never loaded. Give its text with --base FILE: the state is read from it.',
        { packetId: packet.packet_id, baseSha256: packet.base_sha256 },
      )
    })
  }
  const text = await readTextFile(base)
  // State Pack hashed files as they are, a byte-order mark included.
  const found = hexOf(sha256(text))
  if (![found, hexOf(sha256(await readBytes(base)))].includes(packet.base_sha256)) {
    throw new StatePackError('E_CORRUPT', `${base} is not the text of this packet.`, {
      ...{ field: 'base_sha256', expected: packet.base_sha256, found },
    })
  }
  const sources = [{ name: basename(base), text }]
  const { cartridge } = await client.call('packets.create', { model: model ?? packet.model, sources }, call)
  return client.call('packets.resolve', { ref: cartridge.packetId }, call)
}

function foreignReceipt(
  operation: Pick<LegacyReceipt, 'bytes' | 'delta_sha256'> & { op: string },
  { packet_id, base_sha256, blob_sha256 }: Pointer,
) {
  const receipt = {
    ...{ op: operation.op, ok: true, packet_id, base_sha256 },
    blob_sha256: operation.op === 'delta' ? null : blob_sha256,
    ...{
      delta_sha256: operation.delta_sha256 ?? null,
      bytes: operation.bytes ?? null,
      bytes_saved: null,
      tokens: null,
    },
  }
  return { receipt_id: legacyReceiptId(receipt), ...receipt }
}

/** Throws `E_CORRUPT` when the packet_id is not the digest of the fields. */
export function assertOwnId({ version, model, base_sha256, base_bytes, blob_sha256, blob_bytes, packet_id }: Pointer) {
  const expected = legacyPacketId({ version, model, base_sha256, base_bytes, blob_sha256, blob_bytes })
  if (expected === packet_id) return
  throw new StatePackError('E_CORRUPT', 'The packet_id is not the digest of the fields.', {
    field: 'packet_id',
    expected,
    found: packet_id,
  })
}
