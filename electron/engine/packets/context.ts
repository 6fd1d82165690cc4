import type { Digest } from '#shared/domain/digest.ts'
import type { ReceiptDraft } from '#shared/domain/receipt.ts'
import type { CallPart } from '#shared/domain/tool.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import type { Environment } from '../inference/runtime.ts'
import type { LiveState } from '../live/liveState.ts'
import type { ModelPool } from '../live/modelPool.ts'
import type { Pool } from '../live/pool.ts'
import type { BlobSource } from '../live/unstoredPackets.ts'
import type { Meter } from '../meter/meter.ts'
import type { KeyRing } from '../receipts/keys.ts'
import type { ReceiptLog } from '../receipts/receiptLog.ts'
import type { Recorder } from '../record/recorder.ts'
import type { Store } from '../store/store.ts'
import type { Face } from './face.ts'

/** What every packet operation works with. Made once, by createEngine. */
export interface PacketContext {
  readonly store: Store
  readonly models: ModelPool
  /** Where every operation ends. */
  readonly recorder: Recorder
  /** The log, to read and to check: only the recorder adds to it. */
  readonly receipts: Omit<ReceiptLog, 'append' | 'sign' | 'close'>
  /** Signs what is shared; says whose signatures count. */
  readonly keys: KeyRing
  /** What was measured here before. */
  readonly meter: Pick<Meter, 'prefillSeconds' | 'restoreSeconds'>
  /** What is in memory of states, stored or not. */
  readonly live: LiveState
  /** Packets whose manifest, config, tokens and texts are in memory. */
  readonly faces: Pool<Face>
  /** Blobs of packets, stored or not. */
  readonly blobs: BlobSource
  /** Looks for a state where this library shares states with others; true when it is here now. */
  readonly elsewhere: (digest: Digest) => Promise<boolean>
  /** Tells windows that these packets are new or different. */
  readonly changed: (packetIds: readonly Digest[]) => void
}

/** How one call is cancelled and reports. */
export interface Call {
  readonly signal?: AbortSignal
  /** What it returns is waited for where a text is read, between two chunks. */
  readonly progress?: (progress: Progress) => unknown
  /** Takes an answer as it comes, in whole characters; resolves once it was read. What it throws ends the answer. */
  readonly answering?: (text: string, of?: CallPart) => Promise<void>
}

/** The environment as receipts name it. */
export function receiptEnvironment({ provider, runtimeVersion, threads }: Environment): ReceiptDraft['environment'] {
  return { provider, runtime_version: runtimeVersion, threads }
}

/** Milliseconds: what is over sooner is not worth a report, which costs the caller of a short text as much as reading it. */
const SOON = 50

/** Turns a session's progress into the protocol's. */
export function readingProgress(call: Call, phase = 'reading') {
  const began = performance.now()
  return ({ done, total, tokensPerSecond }: { done: number; total: number; tokensPerSecond: number }) => {
    if (performance.now() - began < SOON) return undefined
    return call.progress?.({
      phase,
      done,
      total,
      unit: 'tokens',
      rate: tokensPerSecond,
      etaSeconds: tokensPerSecond > 0 ? (total - done) / tokensPerSecond : undefined,
    })
  }
}
