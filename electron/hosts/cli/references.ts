/** What `--manifest`, `--base-hash` and `<ref>` name: a packet_id, context_id, base hash or name; then a pointer file. */
import { statSync } from 'node:fs'
import { hasName } from '#engine/store/library/hasName.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import { chooseFolders } from '../folders.ts'
import { assertPointsTo, type PointerFile, readPointer } from './pointerFile.ts'
import type { GlobalOptions, Session } from './run.ts'

/** The help of every option and argument that names a cartridge. */
export const REFERENCE = 'name, packet_id, context_id, SHA-256 of the text, or pointer file'

/** A cartridge that is there. `packets.resolve` says what each field is. */
export type Resolved = Output<'packets.resolve'>

/** As programs print digests: with `sha256:` and without, in either case. */
export function isDigestLike(ref: string): boolean {
  return /^\s*(sha256:)?[0-9a-f]{64}\s*$/i.test(ref)
}

/** The file of this path; null where there is none, for a digest, and where a cartridge of the store is called so. */
export function fileNamed(path: string, { store }: GlobalOptions): string | null {
  // Blobs are called by their digests: whoever stands in a store's folder means the cartridge.
  if (isDigestLike(path)) return null
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return null
  return hasName(chooseFolders({ store }).storeFolder, path) ? null : path
}

/** The pointer file of this path. Throws `E_BAD_JSON`, `E_BAD_FORMAT` for another file. */
export async function pointerNamed(path: string, options: GlobalOptions): Promise<PointerFile | null> {
  const file = fileNamed(path, options)
  return file === null ? null : readPointer(file)
}

/**
 * The cartridge of a reference, of the model that `--model` names; of a collection, the one that `question` is about. Throws `E_NOT_FOUND`, `E_AMBIGUOUS` where only a model
 * would tell, `E_COMPONENT_MISMATCH` for a cartridge of another model, `E_CORRUPT` for a pointer that is not its packet's.
 */
export async function resolveReference(session: Session, ref: string, question?: string): Promise<Resolved> {
  const { client, model, call } = session
  try {
    return await client.call('packets.resolve', { ref, model }, call)
  } catch (thrown) {
    if (!(thrown instanceof StatePackError) || thrown.code !== 'E_NOT_FOUND') throw thrown
    const member = await memberOf(session, { ref, question })
    if (member !== null) return member
    const pointer = await pointerNamed(ref, {})
    if (pointer === null) throw thrown
    return resolvePointer(session, pointer)
  }
}

/** The cartridge of a collection that a question is about; null where no collection is called so. Throws `E_NOT_FOUND` for none. */
async function memberOf(
  { client, model, call }: Session,
  { ref, question }: { readonly ref: string; readonly question: string | undefined },
): Promise<Resolved | null> {
  const { collections } = await client.call('collections.list', {}, call)
  const among = collections.find(({ name }) => name === ref)?.packetIds
  if (among === undefined) return null
  const those = `the ${among.length} cartridges of the collection "${ref}"`
  const details = { packets: among.join(',') }
  if (question === undefined) throw new StatePackError('E_AMBIGUOUS', `Name one of ${those}.`, details)
  const { chosen } = await client.call('library.suggest', { question, model, among }, call)
  if (chosen === null) throw new StatePackError('E_NOT_FOUND', `None of ${those} is about this.`, details)
  return client.call('packets.resolve', { ref: chosen, model }, call)
}

/** The packet of our own pointer file, every field of which must be the packet's. */
export async function resolvePointer({ client, model, call }: Session, pointer: PointerFile): Promise<Resolved> {
  const packet = await client.call('packets.resolve', { ref: pointer.packet_id, model }, call)
  assertPointsTo(pointer, packet)
  return packet
}
