import type { Digest } from '#shared/domain/digest.ts'
import type { ReceiptDraft } from '#shared/domain/receipt.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import type { Environment } from '../inference/runtime.ts'
import type { ModelPool } from '../models/modelPool.ts'
import type { KeyRing } from '../receipts/keys.ts'
import type { ReceiptLog } from '../receipts/receiptLog.ts'
import type { Store } from '../store/openStore.ts'
import type { OpenedState } from './openState.ts'

/** What every packet operation works with. Made once, by createEngine. */
export interface PacketContext {
  readonly store: Store
  readonly models: ModelPool
  readonly receipts: ReceiptLog
  /** Signs what is shared; says whose signatures count. */
  readonly keys: KeyRing
  readonly meter: UsageMeter
  /** States returned with `persist: memory`: resolvable while the engine runs, never on disk. */
  readonly memory: MemoryStates
  /** Tells windows that these packets are new or different. */
  readonly changed: (packetIds: readonly Digest[]) => void
}

/** Where packet operations report what they really cost. */
export interface UsageMeter {
  /** A reading that was measured: the speed later estimates rest on. */
  prefill(sample: { model: string; device: string; tokens: number; seconds: number }): void
  /** Seconds this model took to read so many tokens, by its measured speed there; null before one. */
  prefillSeconds(model: string, device: string, tokens: number): number | null
  record(use: InferenceUse): void
  /** Speed of the most recent reading; null before the first. */
  lastTokensPerSecond(): number | null
}

/** One inference, as the sessions counted it and the clock measured it. */
export interface InferenceUse {
  readonly cartridge: Digest | null
  readonly model: string
  readonly device: string
  readonly tokensNaive: number
  readonly tokensProcessed: number
  readonly tokensGenerated: number
  readonly secondsRestore: number
  readonly secondsRead: number
  readonly secondsGenerate: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** A state that lives in memory only. */
export interface MemoryStates {
  get(contextId: Digest): OpenedState | undefined
  set(contextId: Digest, state: OpenedState): void
}

/** The most recently used states, at most `limit`. */
export function createMemoryStates(limit = 64): MemoryStates {
  const states = new Map<Digest, OpenedState>()
  return {
    get(contextId) {
      const state = states.get(contextId)
      if (state === undefined) return undefined
      states.delete(contextId)
      states.set(contextId, state)
      return state
    },
    set(contextId, state) {
      states.set(contextId, state)
      const [oldest] = states.keys()
      if (states.size > limit && oldest !== undefined) states.delete(oldest)
    },
  }
}

/** How one call is cancelled and reports. */
export interface Call {
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
}

/** The environment as receipts name it. */
export function receiptEnvironment({ provider, runtimeVersion, threads }: Environment): ReceiptDraft['environment'] {
  return { provider, runtime_version: runtimeVersion, threads }
}

/** Turns a session's progress into the protocol's. */
export function readingProgress(call: Call, phase = 'reading') {
  return ({ done, total, tokensPerSecond }: { done: number; total: number; tokensPerSecond: number }) =>
    call.progress?.({
      phase,
      done,
      total,
      unit: 'tokens',
      rate: tokensPerSecond,
      etaSeconds: tokensPerSecond > 0 ? (total - done) / tokensPerSecond : undefined,
    })
}
