import type { Settings, SettingsChange } from '#shared/rpc/methods/engine.ts'
import type { SecretStore } from '../library/secrets.ts'
import type { Machine } from '../live/choosePrecision.ts'
import type { Meter } from '../meter/meter.ts'
import type { PacketContext } from '../packets/context.ts'
import type { KeyStore } from '../receipts/keyStore.ts'

/** What handlers share besides the packet operations. */
export interface EngineState extends PacketContext {
  readonly version: string
  readonly startedAt: string
  readonly folders: {
    readonly store: string
    readonly data: string
    readonly assets: string
    readonly models: readonly string[]
  }
  readonly keys: KeyStore
  readonly settings: SettingsStore
  readonly secrets: SecretStore
  /** Every inference ever recorded here. */
  readonly savings: Pick<Meter, 'summary' | 'series' | 'export' | 'reset'>
  readonly machine: Machine
  readonly emit: (name: import('#shared/rpc/events.ts').EventName, data: unknown) => void
}

export interface SettingsStore {
  get(): Settings
  set(change: SettingsChange): Settings
}
