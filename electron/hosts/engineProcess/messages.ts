/** What the engine process and its parent say to each other. Structured clone, so typed arrays travel as they are. */
import type { ErrorValue } from '#shared/domain/error.ts'
import type { EventName } from '#shared/rpc/events.ts'
import type { Settings } from '#shared/rpc/methods/engine.ts'
import type { Answer, CalleeMessage, CallerMessage, Hears } from '#shared/rpc/wire.ts'

/** What the engine is opened with; plain data, because it crosses a process boundary. */
export interface EngineOptions {
  readonly storeFolder: string
  readonly dataFolder: string
  readonly modelFolders: readonly string[]
  readonly assetsFolder: string
  /** Absent: as the settings say. */
  readonly device?: Settings['device']
  readonly threads?: number
  /** Of the API server: see the engine's own options. */
  readonly coldTier?: { readonly place: string | null; readonly tokenHosts?: readonly string[] }
  /** 32 bytes in base64 that secrets are saved under; without it they stay in memory. */
  readonly secretKey?: string | null
}

/** How often the engine says that it is alive. */
export const HEARTBEAT_MS = 1000

/** How long events wait for others of their kind, so that they go behind the answer to what caused them. */
export const GATHER_MS = 10

export type ToEngine =
  | { readonly kind: 'open'; readonly options: EngineOptions }
  | {
      readonly kind: 'call'
      readonly id: number
      readonly method: string
      readonly input: unknown
      /** Items follow. */
      readonly uploads: boolean
      readonly hears: Hears
    }
  | CallerMessage
  | { readonly kind: 'close' }

export interface EngineEvent {
  readonly name: EventName
  readonly data: unknown
}

export type FromEngine =
  /** Its event loop turns; sent every {@link HEARTBEAT_MS}. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'ready' }
  /** Opening failed for a stated reason: starting again would not help. */
  | { readonly kind: 'refused'; readonly error: ErrorValue }
  | CalleeMessage
  | { readonly kind: 'result'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'events'; readonly events: readonly EngineEvent[] }
