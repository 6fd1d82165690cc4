import { admitCartridge } from '../admission/admitCartridge.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import type { Incoming } from './incoming.ts'
import type { OpenOffer } from './offer.ts'
import type { Transfer } from './pushCartridge.ts'
import { type RegistryReference, showReference } from './reference.ts'
import { registryOffer } from './registryOffer.ts'
import { takeOffer } from './takeOffer.ts'

export interface Wanted {
  readonly name?: string | null | undefined
  readonly trust: boolean | 'known'
}

/**
 * Takes a cartridge from a registry, with the signatures, receipts and traces that are with it, as a file that is imported
 * would be taken. What the store has does not travel. Throws `E_NOT_FOUND`, `E_NETWORK` (what has arrived is gone on from next time),
 * `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_CORRUPT`, `E_DISK_FULL`, `E_CANCELLED`, and what admission throws.
 */
export async function pullCartridge(
  context: PacketContext,
  incoming: Incoming,
  { from, name, trust, ...transfer }: Transfer & Wanted & { from: RegistryReference },
  call: Call,
) {
  const open: OpenOffer = onWait => registryOffer(from, { ...transfer, onWait, signal: call.signal })
  const pulled = await importOffer(context, incoming, { open, name, trust }, call)
  const digest = pulled.cartridge.packetId
  context.store.library.remotes.add(from, digest, Date.now())
  return { ...pulled, from: showReference({ ...from, digest }) }
}

/** Imports what a server offers. Throws as {@link pullCartridge}. */
async function importOffer(
  context: PacketContext,
  incoming: Incoming,
  { open, name, trust }: Wanted & { open: OpenOffer },
  call: Call,
) {
  const use = (source: Parameters<typeof admitCartridge>[1]['source']) =>
    admitCartridge(context, { source, trust, name })
  const taken = await takeOffer(context, incoming, { open, keep: false, use }, call)
  const { bytesFetched, refused, result } = taken
  return { ...result, bytesFetched, refusedReferrers: result.refusedReferrers + refused }
}
