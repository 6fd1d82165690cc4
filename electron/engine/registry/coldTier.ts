/**
 * A repository of a registry as the cold tier that several servers share: states that are made here go there behind the
 * answer, states that are not known here are looked for there. The registry may be away: states then wait, in the library.
 */
import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import type { Log } from '../logging/openLog.ts'
import type { Patience } from '../network/patientFetch.ts'
import type { PacketContext } from '../packets/context.ts'
import { DTYPES } from '../packets/resolveRef.ts'
import type { Incoming } from './incoming.ts'
import { pullCartridge } from './pullCartridge.ts'
import { pushCartridge, type Transfer } from './pushCartridge.ts'
import { type RegistryReference, showReference } from './reference.ts'

export interface ColdTier {
  /**
   * Looks there for a state by its packet_id or context_id; true when it is in the library now. Asked for by many at once
   * it is fetched once. Throws `E_NETWORK` and `E_UNAUTHORIZED` when nobody can say whether it is there.
   */
  fetch(digest: Digest): Promise<boolean>
  /** Sees to it that what was made here gets there, some time. Durable when it returns. */
  offer(packetIds: readonly Digest[]): void
  close(): Promise<void>
}

export interface ColdTierOptions extends Transfer {
  readonly place: RegistryReference
  readonly incoming: Incoming
  readonly log: Log
}

/** Somebody waits for the answer: a registry that does not answer at once counts as away. */
const HURRIED: Partial<Patience> = { attempts: 2, pauseMs: 100, longestMs: 1000, stallMs: 5000 }
/** After failures in a row, milliseconds; the last one again and again. */
const PAUSES = [1000, 2000, 5000, 15_000, 60_000]
/** Failures of the cartridge itself: another try would end the same way. */
const FINAL: ReadonlySet<string> = new Set([
  'E_NOT_FOUND',
  'E_RESTRICTED',
  'E_CORRUPT',
  'E_MISSING_BLOB',
  'E_BAD_FORMAT',
])

/** The tag that says what a state is, whichever machine made it. */
function contextTag(contextId: Digest, dtype: string): string {
  return `context-${hexOf(contextId)}-${dtype}`
}

export function createColdTier(context: PacketContext, options: ColdTierOptions): ColdTier {
  const { place, incoming, log, ...transfer } = options
  const { remotes, packets } = context.store.library
  const closing = new AbortController()
  const { signal } = closing
  const running = new Map<Digest, Promise<boolean>>()
  let isAwake = Promise.withResolvers<void>()
  const worker = push()

  async function push(): Promise<void> {
    for (let failed = 0; !signal.aborted; ) {
      let next: Digest | null = null
      try {
        next = remotes.nextPush(place)
        if (next === null) {
          await isAwake.promise
          isAwake = Promise.withResolvers()
          continue
        }
        const row = packets.get(next)
        if (row === null || row.removedAt !== null) throw new StatePackError('E_NOT_FOUND', 'It was removed.')
        const tags = [contextTag(row.contextId, row.dtype)]
        await pushCartridge(context, { ...transfer, ref: next, to: place, tags }, { signal })
        remotes.donePush(place, next)
        failed = 0
      } catch (thrown) {
        if (signal.aborted) return
        const { code } = toStatePackError(thrown)
        log.warn('not pushed to the cold tier', { code, count: next === null ? undefined : remotes.pushes(place) })
        if (next !== null && FINAL.has(code)) remotes.donePush(place, next)
        else await pause(PAUSES[Math.min(failed++, PAUSES.length - 1)] ?? 0, signal)
      }
    }
  }

  async function pull(digest: Digest): Promise<boolean> {
    const names = [{ digest, tag: null }, ...DTYPES.map(dtype => ({ digest: null, tag: contextTag(digest, dtype) }))]
    for (const name of names) {
      try {
        const from = { ...place, ...name }
        await pullCartridge(
          context,
          incoming,
          { ...transfer, patience: { ...HURRIED, ...transfer.patience }, from, trust: 'known', name: null },
          { signal },
        )
        log.info('taken from the cold tier', { count: 1 })
        // Where that was too much for the disk, older ones go; what came is here whether or not it can be counted.
        await context.live.coldBudget.refresh().catch(() => {})
        return true
      } catch (thrown) {
        if (!(thrown instanceof StatePackError) || thrown.code !== 'E_NOT_FOUND') throw unsure(thrown, place)
      }
    }
    return false
  }

  return {
    async fetch(digest) {
      const before = running.get(digest)
      if (before !== undefined) return await before
      const found = pull(digest).finally(() => running.delete(digest))
      running.set(digest, found)
      return await found
    },
    offer(packetIds) {
      for (const packetId of packetIds) {
        if (packets.get(packetId)?.trust === 'own' && !remotes.has(place, packetId)) remotes.addPush(place, packetId)
      }
      isAwake.resolve()
    },
    async close() {
      closing.abort()
      isAwake.resolve()
      await Promise.allSettled([worker, ...running.values()])
    },
  }
}

/** Sleeps, but not longer than there is a point in it. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** Not found is an answer; not having been able to ask is another one. */
function unsure(thrown: unknown, place: RegistryReference): StatePackError {
  const error = toStatePackError(thrown)
  if (error.code !== 'E_NETWORK') return error
  const message = `This state is not known here, and the cold tier ${showReference(place)} cannot be asked: ${error.message}`
  return new StatePackError('E_NETWORK', message, error.details, thrown)
}
