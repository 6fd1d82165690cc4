import type { Lookup } from '../network/safeFetch.ts'
import type { PacketContext } from '../packets/context.ts'
import type { Incoming } from '../registry/incoming.ts'
import type { Hub } from './hubRepository.ts'

/** What sharing works with, besides packets. */
export interface ShareContext extends PacketContext {
  readonly incoming: Incoming
  /** The hub of the settings, with the token for it; asked anew each time. */
  readonly hub: () => Hub
  /** Where the catalogue lies that came with the app. */
  readonly assetsFolder: string
  /** How names are looked up; default the system's. */
  readonly lookup?: Lookup | undefined
}
