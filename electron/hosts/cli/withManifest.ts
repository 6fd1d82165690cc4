import { StatePackError } from '#shared/domain/error.ts'
import type { CallOptions, Client } from '#shared/rpc/client.ts'
import { type ForeignPacket, resolveManifest } from './pointerFile.ts'
import { finish, type GlobalOptions, print, runCommand, type Session } from './run.ts'

export interface ManifestOptions extends GlobalOptions {
  readonly manifest: string
}

/**
 * Runs with the packet that `--manifest` names, in the store beside its pointer file unless `--store` says another. A v0.1
 * packet of another program holds an opaque cache: `foreign` says what can be done with one, else it is refused.
 */
export async function withManifest(
  options: ManifestOptions,
  command: (session: Session, ref: string) => Promise<unknown>,
  foreign?: (packet: ForeignPacket) => Promise<unknown>,
): Promise<void> {
  await finish(async () => {
    const manifest = await resolveManifest(options.manifest)
    if (manifest.foreign === undefined) {
      const store = options.store ?? manifest.store
      return runCommand({ ...options, store }, session => command(session, manifest.ref))
    }
    if (foreign === undefined) {
      throw new StatePackError(
        'E_NOT_SUPPORTED',
        'This packet holds an opaque cache of another program: it can be verified, not run.',
        { packetId: manifest.foreign.packet_id },
      )
    }
    print(await foreign(manifest.foreign))
  })
}

/** State Pack prints the text's SHA-256 with every operation on a packet; our receipts bind it through the packet_id. */
export async function baseSha256({ client, call }: { client: Client; call: CallOptions }, ref: string) {
  const { baseSha256 } = await client.call('packets.resolve', { ref }, call)
  return baseSha256
}
