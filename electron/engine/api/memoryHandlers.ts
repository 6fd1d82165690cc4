import { statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { type Digest, isDigest } from '#shared/domain/digest.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import type { MemoryHolding, MemoryTierView } from '#shared/rpc/methods/memory.ts'
import type { MemoryTier } from '../inference/memoryTier.ts'
import { assertAllowed } from '../packets/assertAllowed.ts'
import { readFace } from '../packets/face.ts'
import { readLiveSnapshot } from '../packets/liveSnapshot.ts'
import { stateNames } from '../packets/stateNames.ts'
import type { EngineState } from './engineState.ts'

type Owned = 'memory.status' | 'memory.pin' | 'memory.purge'

/** Moves shown at once. */
const MOVES = 100

export function memoryHandlers(state: EngineState): Pick<Handlers, Owned> {
  const { live, store, models, faces } = state

  /** What people call a label: a state's name, or the words themselves. */
  function namer() {
    const names = store.library.packets.names.all()
    const nameOfState = stateNames(state)
    const isStored = (label: string) => isDigest(label) && (names.has(label) || live.unstored.packetOf(label) === null)
    const nameOf = (label: string) => {
      if (!isDigest(label)) return label
      return `${nameOfState(label) ?? 'An earlier prompt'}${isStored(label) ? '' : ', not stored'}`
    }
    return { nameOf, isStored }
  }

  function viewOf(tier: MemoryTier, { nameOf, isStored }: ReturnType<typeof namer>): Omit<MemoryTierView, 'own'> {
    const holdings = new Map<string, MemoryHolding>()
    const { entries, ...figures } = tier.view()
    for (const entry of entries) {
      const packetId = isDigest(entry.label) ? entry.label : null
      const before = holdings.get(entry.label)
      holdings.set(entry.label, {
        packetId,
        name: nameOf(entry.label),
        stored: isStored(entry.label),
        reason: entry.reason,
        bytes: (before?.bytes ?? 0) + entry.bytes,
        uses: Math.max(before?.uses ?? 0, entry.uses),
        pinned: entry.pinned,
        inUse: entry.inUse || (before?.inUse ?? false),
      })
    }
    return { tier: tier.name, ...figures, holdings: [...holdings.values()].sort((a, b) => b.bytes - a.bytes) }
  }

  async function prefetch(packetId: Digest): Promise<void> {
    assertAllowed(state, packetId, 'run')
    const { face } = await readFace(state, packetId)
    await readLiveSnapshot(state, face.packet)
  }

  return {
    'memory.status': async () => {
      const names = namer()
      const { limit, own } = await live.coldBudget.refresh()
      const cold = viewOf(live.cold, names)
      return {
        tiers: [
          ...[live.hot, live.warm].map(tier => ({ ...viewOf(tier, names), own: 0 })),
          { ...cold, own, bytes: cold.bytes + own, budget: limit },
        ],
        stored: (await store.totals()).packets,
        layers: {
          hits: live.blocks.hits + live.snapshots.hits + faces.hits,
          misses: live.blocks.misses + live.snapshots.misses + faces.misses,
        },
        moves: live.moves.recent(MOVES).map(({ at, label, bytes, from, to, reason }) => ({
          ...{ at: new Date(at).toISOString(), name: names.nameOf(label), bytes, from, to },
          reason: reason.replace(/sha256:[0-9a-f]{64}/, names.nameOf),
        })),
        models: [...(await models.inMemory())],
        rssBytes: process.memoryUsage.rss(),
        machineBytes: totalmem(),
        diskBytes: await diskBytes(store.folder),
      }
    },
    'memory.pin': async ({ packetId, pinned }) => {
      if (pinned) await prefetch(packetId)
      for (const tier of [live.hot, live.warm, live.cold]) tier.pin(packetId, pinned)
      return {}
    },
    'memory.purge': async ({ tier }) => {
      const before = live[tier].bytes
      live[tier].purge()
      await live.unstored.settle()
      return { freed: before - live[tier].bytes }
    },
  }
}

async function diskBytes(folder: string): Promise<number> {
  try {
    const { blocks, bsize } = await statfs(folder)
    return blocks * bsize
  } catch {
    return 0
  }
}
