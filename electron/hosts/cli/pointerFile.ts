/**
 * `state_packet_<base_sha256>.json`: State Pack's manifest file. Ours points into the store by packet_id and context_id and
 * keeps the fields of v0.1, so that its scripts go on working.
 */
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { LEGACY_PACKET_VERSION } from '#engine/receipts/legacy.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { hexDigestSchema } from '#shared/domain/hexDigest.ts'
import type { Output } from '#shared/rpc/client.ts'
import { parseJson, readTextFile, wrongShape } from './readInput.ts'
import { writeOutput } from './writeOutput.ts'

const hex = hexDigestSchema

export const pointerSchema = z.object({
  version: z.literal(LEGACY_PACKET_VERSION),
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

/** A pointer, and the folder it lies in. Without a `context_id` it is a packet that State Pack itself made. */
export type PointerFile = Pointer & { readonly folder: string }

/** Reads a pointer file. Throws `E_BAD_JSON` or `E_BAD_FORMAT` for a file that is none. */
export async function readPointer(path: string): Promise<PointerFile> {
  const parsed = pointerSchema.safeParse(parseJson(await readTextFile(path), path))
  if (!parsed.success) throw wrongShape('E_BAD_FORMAT', `${path} is not a state packet`, parsed.error)
  return { ...parsed.data, folder: dirname(path) }
}

const isPointer = (beginning: Buffer) => /^\s*\{\s*"version": *"state-pack-/.test(beginning.toString('latin1'))

/** Where the pointer of a text lies. */
export function pointerPath(folder: string, baseSha256: string): string {
  return join(folder, `state_packet_${baseSha256}.json`)
}

/** Writes the pointer beside the store; returns its path. Throws as {@link writeOutput}. */
export async function writePointer(folder: string, pointer: Pointer): Promise<string> {
  const path = pointerPath(folder, pointer.base_sha256)
  await writeOutput(path, `${JSON.stringify(pointer, null, 2)}\n`, isPointer)
  return path
}

/** The pointer of a packet, named by one of its texts. Throws `E_NOT_SUPPORTED` for a state that no text began. */
export function pointerOf(
  packet: Output<'packets.resolve'>,
  text: Output<'packets.resolve'>['texts'][number] | undefined,
  baseFile: string | null = null,
): Pointer {
  if (text === undefined) {
    throw new StatePackError('E_NOT_SUPPORTED', 'A state that no text began has no pointer file.', {
      packetId: packet.packetId,
    })
  }
  return {
    version: LEGACY_PACKET_VERSION,
    model: packet.cartridge.model.name,
    base_sha256: text.sha256,
    base_bytes: text.bytes,
    base_tokens: packet.cartridge.tokens,
    base_file: baseFile,
    blob_sha256: packet.blobSha256,
    blob_bytes: packet.blobBytes,
    blob_file: null,
    packet_id: packet.packetId,
    context_id: packet.contextId,
  }
}

/** A pointer speaks for a packet with every one of its fields. Throws `E_CORRUPT` naming the first that is not the packet's. */
export function assertPointsTo(pointer: Pointer, packet: Output<'packets.resolve'>): void {
  const text = packet.texts.find(({ sha256 }) => sha256 === pointer.base_sha256) ?? packet.texts[0]
  const expected = pointerOf(packet, text, pointer.base_file)
  // The ids first: a pointer to another packet differs in all that follows from it.
  for (const field of pointerSchema.keyof().options.toReversed()) {
    const [value, found] = [expected[field] ?? null, pointer[field] ?? null]
    if (found === value) continue
    throw new StatePackError('E_CORRUPT', `The pointer file is not this packet's: its ${field} is another one.`, {
      ...{ field, expected: value, found },
    })
  }
}
