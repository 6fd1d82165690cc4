/** A session of many steps through the product: each step is a state of its own that one can go back to. */
import type { Engine } from '#engine/createEngine.ts'
import { createPacket } from '#engine/packets/createPacket.ts'
import { inferPacket } from '#engine/packets/inferPacket.ts'
import { arraysHeld } from './arraysHeld.ts'
import { median } from './median.ts'
import { timed } from './timed.ts'

const TEXT = 'The goat lives in Oslo. The cow lives in Rome. The dog lives in Lima. The cat lives in Cairo.\n'.repeat(3)

/** Bytes in memory. */
export type TierBytes = Readonly<Record<'hot' | 'warm', number>>

export interface TieredSession {
  /** context_id of every step. */
  readonly checkpoints: string[]
  /** Takes one more step: one token, written by the model. */
  step(): Promise<void>
  /** Bytes in the tiers now. */
  bytes(): TierBytes
  /** Bytes of the largest buffers that there are: those that it runs in. */
  buffers(): number
}

const ALL: TierBytes = { hot: Number.MAX_SAFE_INTEGER, warm: Number.MAX_SAFE_INTEGER }

/** `budgets`: bytes for its states in memory; without, nothing has to go. */
export async function beginSession({ state }: Engine, model: string, budgets = ALL): Promise<TieredSession> {
  const { live } = state
  await state.models.load(model)
  live.hot.budget = budgets.hot
  live.warm.budget = budgets.warm
  const made = await createPacket(state, { model, sources: [{ name: 'facts', text: TEXT }], dtype: 'float32' })
  const checkpoints: string[] = [made.packetId]
  const bytes = () => ({ hot: live.hot.bytes, warm: live.warm.bytes })
  return {
    checkpoints,
    bytes,
    buffers: () => Math.max(0, ...live.hot.view().entries.map(entry => entry.bytes)),
    step: async () => {
      const { newContextId } = await inferPacket(state, {
        ...{ ref: checkpoints.at(-1), delta: '', persist: 'memory', keepOutput: true },
        ...{ maxNewTokens: 1, stopIds: [] },
      })
      checkpoints.push(newContextId)
    },
  }
}

/**
 * Steps to the end; the most bytes that the tiers counted together, those of the buffers that it ran in last, and what the
 * process really held beyond what it began with.
 */
export async function measureMemory(
  session: TieredSession,
  steps: number,
): Promise<{ counted: number; buffers: number; held: number }> {
  const before = await arraysHeld()
  let [counted, held] = [0, 0]
  for (let step = 1; step <= steps; step++) {
    await session.step()
    const now = session.bytes()
    counted = Math.max(counted, now.hot + now.warm)
    if (step % Math.ceil(steps / 16) === 0) held = Math.max(held, (await arraysHeld()) - before)
  }
  return { counted, buffers: session.buffers(), held }
}

/** Median milliseconds to the next token from each of these states, and bytes that came from disk. */
export async function measureRewind(
  { state }: Engine,
  refs: readonly string[],
): Promise<{ ms: number; misses: number }> {
  const { blocks, snapshots } = state.live
  const before = blocks.misses + snapshots.misses
  const took: number[] = []
  for (const ref of refs) {
    const options = { ref, delta: '', persist: 'memory', maxNewTokens: 1, stopIds: [] } as const
    const [ms] = await timed(() => inferPacket(state, options))
    took.push(ms)
  }
  return { ms: median(took), misses: (blocks.misses + snapshots.misses - before) / refs.length }
}
