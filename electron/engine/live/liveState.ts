import type { StateDtype } from '#shared/domain/cartridge.ts'
import { type Digest, isDigest } from '#shared/domain/digest.ts'
import type { MemoryBudgets } from '#shared/rpc/methods/memory.ts'
import { Grammars } from '../inference/grammar/grammars.ts'
import { MemoryTier } from '../inference/memoryTier.ts'
import type { Runtime } from '../inference/runtime.ts'
import type { KvBlock, RecurrentLayer } from '../inference/stateSnapshot.ts'
import type { Below, FindBelow, TierMove } from '../inference/tierEntry.ts'
import { type Log, silentLog } from '../logging/openLog.ts'
import type { RemotePlace } from '../store/library/remoteRows.ts'
import type { Store } from '../store/store.ts'
import { ColdBudget } from './coldBudget.ts'
import { MoveLog } from './moveLog.ts'
import { Pool } from './pool.ts'
import { PrefixIndex } from './prefixIndex.ts'
import { Scheduler } from './scheduler.ts'
import { Timelines } from './timelines.ts'
import { UnstoredPackets } from './unstoredPackets.ts'

/** Bytes. */
export const DEFAULT_BUDGETS: MemoryBudgets = { hot: 512 * 1024 ** 2, warm: 1024 ** 3, cold: null }

/** A layer as it was stored: the dtype says how its numbers were rounded. */
export interface PooledBlock {
  readonly dtype: StateDtype
  readonly block: KvBlock
}

export interface PooledRecurrent {
  readonly dtype: StateDtype
  readonly layers: readonly RecurrentLayer[]
}

/** Everything about states that is in memory. Made once, by createEngine; the only place that counts bytes of state. */
export interface LiveState {
  readonly hot: MemoryTier
  readonly warm: MemoryTier
  /** On disk, what of states nobody stored. */
  readonly cold: MemoryTier
  readonly coldBudget: ColdBudget
  readonly moves: MoveLog
  /** Blocks of keys and values, by layer. */
  readonly blocks: Pool<PooledBlock>
  /** Recurrent states, by layer. */
  readonly snapshots: Pool<PooledRecurrent>
  readonly unstored: UnstoredPackets
  readonly prefixes: PrefixIndex
  /** The one scheduler of a runtime. */
  schedulerOf(runtime: Runtime): Scheduler
  /** Earlier states of recurrent packets. */
  readonly timelines: Timelines
  /** What leads answers that are to follow a schema. */
  readonly grammars: Grammars
}

export interface LiveOptions {
  readonly budgets: MemoryBudgets
  /** Something has moved, or was used. */
  readonly onChange: () => void
  /** Has something done when the running operation is over; false outside of any. */
  readonly whenOver?: (release: () => void) => boolean
  /** These are in the library no more: given up by the budget of the disk. */
  readonly onGone: (packetIds: readonly Digest[]) => void
  /** The repository that states are fetched from when they are asked for. */
  readonly registry?: RemotePlace | null
  readonly log?: Log
}

export function createLiveState(
  store: Store,
  { budgets, onChange, onGone, whenOver, registry = null, log = silentLog }: LiveOptions,
): LiveState {
  const moves = new MoveLog(onChange)
  const findOnDisk = (label: string): Below => {
    if (!isDigest(label)) return 'gone'
    const isThere = store.library.packets.get(label) !== null || (cold.budget > 0 && unstored.packetOf(label) !== null)
    return isThere ? 'cold' : 'gone'
  }
  const findBelow: FindBelow = (pieces, label) =>
    pieces.length > 0 && pieces.every(piece => blocks.holds(piece)) ? 'warm' : findOnDisk(label)
  const hot = new MemoryTier('hot', {
    budget: budgets.hot,
    onMove: moves.add,
    onUse: onChange,
    findBelow,
    keepsBelow: piece => blocks.holds(piece),
  })
  const warm = new MemoryTier('warm', {
    budget: budgets.warm,
    onMove: moves.add,
    onUse: onChange,
    findBelow: (_, label) => findOnDisk(label),
  })
  // What comes there has left another tier, which has said so.
  const left = (move: TierMove) => (move.to === 'cold' ? undefined : moves.add(move))
  const cold = new MemoryTier('cold', {
    budget: budgets.cold ?? Number.MAX_SAFE_INTEGER,
    onMove: left,
    onUse: onChange,
  })
  const coldBudget = new ColdBudget(cold, {
    ...{ store, limit: budgets.cold, registry, onMove: moves.add, onGone, whenOver },
    keep: () => unstored.liveDigests(),
    onLess: () => void unstored.settle(),
  })
  const blocks = new Pool<PooledBlock>(warm, ({ block }) => block)
  const snapshots = new Pool<PooledRecurrent>(warm)
  const prefixes = new PrefixIndex(() => store.prefixes())
  const unstored = new UnstoredPackets({
    ...{ warm, cold, store: store.parts, whenOver, log, prepare: () => coldBudget.refresh() },
    onMove: digest => {
      blocks.forget(digest)
      snapshots.forget(digest)
    },
    onForget: packetId => prefixes.remove(packetId),
  })
  const schedulers = new WeakMap<Runtime, Scheduler>()
  const schedulerOf = (runtime: Runtime) => {
    const scheduler = schedulers.get(runtime) ?? new Scheduler(runtime, () => hot.budget)
    schedulers.set(runtime, scheduler)
    return scheduler
  }
  const timelines = new Timelines(warm)
  return {
    ...{ hot, warm, cold, coldBudget, moves },
    blocks,
    snapshots,
    unstored,
    prefixes,
    timelines,
    schedulerOf,
    grammars: new Grammars(),
  }
}
