/** Garbage collection: removes blobs that nothing keeps. Runs inside the lock between processes. */
import { join } from 'node:path'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import { storeError, systemCode } from './fsError.ts'
import { inParallel } from './inParallel.ts'
import type { PacketRow } from './library/packetRows.ts'
import { readManifest } from './manifests.ts'
import type { StoreParts } from './storeParts.ts'
import { clearAbandoned } from './tempFiles.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const TOMBSTONE_MS = 7 * DAY_MS
const GRACE_MS = 60 * 60 * 1000
/** How long a pull that was cut short can go on where it was. */
const INCOMING_MS = 7 * DAY_MS

export interface GcOptions {
  /** Also give up packets without name, tag or pin that are older than this many days. */
  readonly olderThanDays?: number
  /** Also give up packets without name, tag or pin, except this many of the newest. With `olderThanDays`: both must hold. */
  readonly keepLatest?: number
  /**
   * Also give up these, in their order, until what is kept takes no more than `most` bytes; none whose going frees nothing. Asked
   * in the very moment in which they are taken out of the library.
   */
  readonly room?: { readonly most: number; readonly copies: () => readonly Digest[] }
  /** Count, remove nothing. */
  readonly dryRun?: boolean
  /** Blobs younger than this are kept: somebody may be about to publish them. Default one hour. */
  readonly graceMs?: number
  /** Blobs that are kept although no packet of the library needs them. */
  readonly keep?: ReadonlySet<Digest>
}

export interface GcResult {
  readonly packets: number
  readonly blobs: number
  readonly bytes: number
  readonly dryRun: boolean
  /** Kept packets whose manifest cannot be read: as long as there are any, no blob is removed. */
  readonly unreadable: readonly Digest[]
}

/**
 * Keeps packets of the library, tombstones younger than seven days (those of answers' states: than an hour), packets that any
 * process uses, the referrers of all these, and young blobs; removes the rest.
 */
export function collectGarbage(store: StoreParts, options: GcOptions = {}): Promise<GcResult> {
  return store.lock.exclusive(async () => {
    const now = store.now()
    const dryRun = options.dryRun ?? false
    const rows = store.library.packets.all()
    const given = givenUp(store, rows, options, now)
    const keep = options.keep ?? new Set()
    const needed = await readNeeds(
      store,
      rows.filter(row => !given.has(row.packetId)),
    )
    if (options.room !== undefined && needed.unreadable.length === 0) {
      const beside = store.library.answers.bytesByPacket()
      for (const packetId of givenForRoom({ ...needed, keep, beside }, options.room)) given.add(packetId)
    }
    // Whoever began to use one meanwhile has said so; from here on nobody finds them.
    const nowHeld = dryRun ? [] : forgetUnheld(store, given)
    const held = await readNeeds(
      store,
      rows.filter(({ packetId }) => nowHeld.includes(packetId) && !needed.needs.has(packetId)),
    )
    const unreadable = [...needed.unreadable, ...held.unreadable]
    const live = new Set(keep)
    for (const [packetId, blobs] of [...needed.needs, ...held.needs])
      if (!given.has(packetId)) for (const digest of blobs.keys()) live.add(digest)
    if (!dryRun && given.size > 0) {
      store.index.drop([...given])
      store.library.scrub()
      store.indexFile.touch()
    }
    const swept = unreadable.length > 0 ? [] : await sweep(store, live, now - (options.graceMs ?? GRACE_MS), dryRun)
    return {
      packets: given.size,
      blobs: swept.length,
      bytes: swept.reduce((sum, size) => sum + size, 0),
      dryRun,
      unreadable,
    }
  })
}

/**
 * Takes what is given up out of the library, and out of `given` what is held by now, which it returns. Rows before bytes: a crash
 * in between leaves garbage, the other way round it would leave broken packets.
 */
function forgetUnheld({ library, holds }: StoreParts, given: Set<Digest>): Digest[] {
  if (given.size === 0) return []
  return library.connection
    .transaction(() => {
      const all = holds.held()
      const held = [...given].filter(packetId => all.has(packetId))
      for (const packetId of held) given.delete(packetId)
      library.packets.forget([...given])
      return held
    })
    .immediate()
}

/** Packets that leave: old tombstones, and what the options say, as far as nothing protects them. */
function givenUp(store: StoreParts, rows: readonly PacketRow[], options: GcOptions, now: number): Set<Digest> {
  const held = store.holds.held()
  const gone = new Set(store.library.retained.gone(now - GRACE_MS))
  const names = store.library.packets.names.all()
  const tagged = store.library.packets.tagged()
  const given = new Set<Digest>()
  const loose: PacketRow[] = []
  for (const row of rows) {
    if (held.has(row.packetId)) continue
    if (row.removedAt !== null) {
      if (gone.has(row.packetId) || now - row.removedAt >= TOMBSTONE_MS) given.add(row.packetId)
    } else if (!row.pinned && row.trust !== 'starter' && !names.has(row.packetId) && !tagged.has(row.packetId)) {
      loose.push(row)
    }
  }
  const { olderThanDays, keepLatest } = options
  if (olderThanDays === undefined && keepLatest === undefined) return given
  const oldest = now - (olderThanDays ?? 0) * DAY_MS
  const newestFirst = loose.reverse()
  for (const row of newestFirst.slice(keepLatest ?? 0)) {
    if (row.addedAt <= oldest) given.add(row.packetId)
  }
  return given
}

/** By packet, the bytes of each blob that it and its referrers need. */
type Needs = ReadonlyMap<Digest, ReadonlyMap<Digest, number>>

async function readNeeds(
  store: StoreParts,
  packets: readonly PacketRow[],
): Promise<{ needs: Needs; unreadable: Digest[] }> {
  const needs = new Map(packets.map(({ packetId }) => [packetId, new Map<Digest, number>()]))
  const unreadable: Digest[] = []
  const manifests = [
    ...packets.map(({ packetId, size }) => ({ digest: packetId, subject: packetId, size })),
    ...store.library.referrers.list().filter(({ subject }) => needs.has(subject)),
  ]
  await inParallel(manifests, 16, async ({ digest, subject, size }) => {
    const needed = needs.get(subject)
    needed?.set(digest, size)
    try {
      for (const blob of blobsOf(await readManifest(store.blobs, digest))) needed?.set(blob.digest, blob.size)
    } catch {
      // Which blobs it needs is unknown, so none may be removed.
      unreadable.push(digest)
    }
  })
  return { needs, unreadable }
}

function givenForRoom(
  // `beside`: bytes of what was told with the answers that led to a packet.
  { needs, keep, beside }: { needs: Needs; keep: ReadonlySet<Digest>; beside: ReadonlyMap<Digest, number> },
  { most, copies }: NonNullable<GcOptions['room']>,
): readonly Digest[] {
  const needers = new Map<Digest, number>()
  let bytes = [...beside.values()].reduce((sum, size) => sum + size, 0)
  for (const blobs of needs.values()) {
    for (const [digest, size] of blobs) {
      if (!needers.has(digest)) bytes += size
      needers.set(digest, (needers.get(digest) ?? 0) + 1)
    }
  }
  return copies().filter(packetId => {
    const alone = [...(needs.get(packetId) ?? [])].filter(([digest]) => needers.get(digest) === 1 && !keep.has(digest))
    if (bytes <= most || alone.length === 0) return false
    for (const [, size] of alone) bytes -= size
    bytes -= beside.get(packetId) ?? 0
    for (const digest of needs.get(packetId)?.keys() ?? []) needers.set(digest, (needers.get(digest) ?? 1) - 1)
    return true
  })
}

async function sweep(store: StoreParts, live: Set<Digest>, newest: number, dryRun: boolean): Promise<number[]> {
  const { fs, layout } = store
  try {
    if (!dryRun) await clearAbandoned(fs, layout.tmp, { now: store.now(), alone: false })
    if (!dryRun) await clearIncoming(store)
    const names = await fs.list(layout.blobs)
    const dead = names.filter(name => /^[0-9a-f]{64}$/.test(name) && !live.has(parseDigest(name)))
    const sizes = await inParallel(dead, 16, async name => {
      const path = join(layout.blobs, name)
      const status = await fs.status(path)
      if (status.kind !== 'file' || status.modified > newest) return null
      if (dryRun) return status.size
      await removeIfThere(store, path)
      store.diskUse.add(-status.size)
      return status.size
    })
    if (!dryRun) await fs.syncFolder(layout.blobs)
    return sizes.filter(size => size !== null)
  } catch (error) {
    throw storeError(error, 'remove what is no longer needed', 'write')
  }
}

/** Parts of pulls that nobody went on with. */
async function clearIncoming(store: StoreParts): Promise<void> {
  const { fs, layout, now } = store
  const names = await fs.list(layout.incoming).catch(error => {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  })
  for (const name of names.filter(name => /^[0-9a-f]{64}(\.part)?$/.test(name))) {
    const path = join(layout.incoming, name)
    const status = await fs.status(path).catch(() => null)
    if (status?.kind === 'file' && now() - status.modified > INCOMING_MS) await removeIfThere(store, path)
  }
}

async function removeIfThere(store: StoreParts, path: string): Promise<void> {
  try {
    await store.fs.unlink(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
