/**
 * `state_packet_<base_sha256>.json`: State Pack's manifest file. Ours points into the store by packet_id and context_id and
 * keeps the fields of v0.1, so that its scripts go on working.
 */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { readJsonFile, wrongShape } from './readInput.ts'

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

/** A packet that State Pack itself made, and the folder its files lie in. */
export type ForeignPacket = Pointer & { readonly folder: string }

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
): Promise<{ ref: string; store?: string; foreign?: ForeignPacket }> {
  if (!existsSync(manifest)) return { ref: manifest }
  const parsed = pointerSchema.safeParse(await readJsonFile(manifest))
  if (!parsed.success) throw wrongShape('E_BAD_FORMAT', `${manifest} is not a state packet`, parsed.error)
  const folder = dirname(manifest)
  if (parsed.data.context_id === undefined) return { ref: parsed.data.packet_id, foreign: { ...parsed.data, folder } }
  return { ref: parsed.data.packet_id, ...(existsSync(join(folder, 'oci-layout')) ? { store: folder } : {}) }
}
