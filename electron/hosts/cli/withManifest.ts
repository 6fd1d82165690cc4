import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { assertOwnId, foreignState } from './foreignPacket.ts'
import type { PointerFile } from './pointerFile.ts'
import { pointerNamed, type Resolved, resolvePointer, resolveReference } from './references.ts'
import { finish, type GlobalOptions, print, type Session, withEngine } from './run.ts'

export interface ManifestOptions extends GlobalOptions {
  readonly manifest: string
  /** The text of a State Pack v0.1 packet, to read its state from. */
  readonly base?: string
  /** What a collection is asked, where one may be named. */
  readonly question?: string
}

/**
 * Runs with the cartridge that `--manifest` names, in the store beside its pointer file unless `--store` says another. For a
 * v0.1 packet of State Pack itself, `foreign` says what is done with its file; without, the cartridge of its text is meant.
 */
export async function withManifest(
  options: ManifestOptions,
  command: (session: Session, found: Resolved) => Promise<unknown>,
  foreign?: (packet: PointerFile) => Promise<unknown>,
): Promise<void> {
  await finish(async () => {
    const { manifest, question } = options
    const pointer = await pointerNamed(manifest, options)
    if (pointer === null)
      return withEngine(options, async session => command(session, await resolveReference(session, manifest, question)))
    if (pointer.context_id !== undefined) {
      const beside = existsSync(join(pointer.folder, 'oci-layout')) ? pointer.folder : undefined
      const store = options.store ?? beside
      return withEngine({ ...options, store }, async session =>
        command(session, await resolvePointer(session, pointer)),
      )
    }
    if (foreign !== undefined) return print(await foreign(pointer))
    assertOwnId(pointer)
    await withEngine({ ...options, makesStore: true }, async session =>
      command(session, await foreignState(session, pointer, options.base)),
    )
  })
}

/** State Pack prints the text's SHA-256 with every operation on a packet; our receipts bind it through the packet_id. */
export function baseSha256({ texts }: Resolved): string | null {
  return texts[0]?.sha256 ?? null
}
