/** What a process knows of the log on disk, and how it learns what others have appended. */

import { StatePackError } from '#shared/domain/error.ts'
import { receiptNumber } from '#shared/domain/receipt.ts'
import { verifyEnvelope } from './dsse.ts'
import type { PublicKey } from './keys.ts'
import { absentAsNull, type Line, type LogFs, type LogPaths, parseLine, readLines } from './logFile.ts'
import { type IndexEntry, LogIndex, readIndexFile } from './logIndex.ts'
import { leafHash } from './merkle.ts'
import { readLatest } from './storedCheckpoints.ts'
import { isTornTail } from './tornTail.ts'

export interface LogState {
  index: LogIndex
  /** Why nothing may be appended: the log contradicts its own last checkpoint. Reading and verifying still work. */
  broken: StatePackError | null
  /** Records of index.bin known to be right; those behind are written again. */
  indexed: number
}

interface Place {
  readonly fs: LogFs
  readonly paths: LogPaths
  readonly trusted: readonly PublicKey[]
}

/** Reads the log: quickly through index.bin when that agrees with the log and its last checkpoint, else line by line. */
export async function loadState(place: Place): Promise<LogState> {
  const { fs, paths, trusted } = place
  let index = await indexFromFile(place)
  const indexed = index.count
  await readAppended({ ...place, index })
  const latest = await readLatest(fs, paths, trusted)
  if (latest === null) return { index, broken: null, indexed }
  const agrees = () => index.count >= latest.size && index.tree.root(latest.size).equals(latest.root)
  if (agrees()) return { index, broken: null, indexed }
  index = new LogIndex()
  await readAppended({ ...place, index })
  return { index, broken: agrees() ? null : brokenLog(index.count), indexed: 0 }
}

/**
 * Takes in whole lines appended since; returns the lines from the first one that does not continue the log. Without the lock
 * those may be a write in flight.
 */
export async function readAppended({ fs, paths, trusted, index }: Place & { index: LogIndex }): Promise<Line[]> {
  const rest: Line[] = []
  for await (const line of readLines(fs, paths.log, index.bytes)) {
    const entry = rest.length === 0 && line.complete ? await continuation(line, { index, trusted }) : null
    if (entry === null) rest.push(line)
    else index.add(entry)
  }
  return rest
}

/**
 * Under the lock: takes in what others appended and cuts off what a crash left half-written. Throws `E_RECEIPT_LOG` when the
 * log is not a continuation of what this process has seen, or when what stands at its end was not left by a crash.
 */
export async function catchUp({ state, ...place }: Place & { state: LogState }): Promise<void> {
  const { fs, paths, trusted } = place
  if (state.broken !== null) throw state.broken
  const { index } = state
  const size = (await fs.stat(paths.log).catch(absentAsNull))?.size ?? 0
  if (size === index.bytes) return
  if (size < index.bytes) throw brokenLog(index.count)
  const rest = await readAppended({ ...place, index })
  if (rest.length === 0) return
  const acknowledged = (await readLatest(fs, paths, trusted))?.size ?? 0
  if (acknowledged > index.count || !(await isTornTail(rest, index.count, trusted))) throw brokenLog(index.count)
  await cutTo(fs, paths.log, index.bytes)
}

/** Cuts a file to its first `bytes` bytes, durably. */
export async function cutTo(fs: LogFs, file: string, bytes: number): Promise<void> {
  const handle = await fs.open(file, 'r+')
  try {
    await handle.truncate(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function brokenLog(index: number): StatePackError {
  return new StatePackError(
    'E_RECEIPT_LOG',
    `The receipt log was changed from outside at receipt ${receiptNumber(index)} or before; verify it, then start a new one.`,
    { index },
  )
}

/**
 * A line as the next entry, or null when it is not one. A line of an unknown key is: stores travel between machines, and
 * verifying says whose it is. A line that a known key did not sign as it stands is not.
 */
async function continuation(
  line: Line,
  { index, trusted }: { index: LogIndex; trusted: readonly PublicKey[] },
): Promise<IndexEntry | null> {
  try {
    const { receipt, envelope } = parseLine(line.bytes)
    if (receipt.seq !== index.count || receipt.prev !== (index.ids.at(-1) ?? null)) return null
    if (trusted.some(key => key.keyid === receipt.keyid)) await verifyEnvelope(envelope, trusted)
    return { end: line.end, leaf: leafHash(line.bytes), id: receipt.receipt_id, op: receipt.op }
  } catch {
    return null
  }
}

/** The index of index.bin when its last record is true of the log, otherwise an empty one. */
async function indexFromFile({ fs, paths }: Place): Promise<LogIndex> {
  const index = new LogIndex()
  const size = (await fs.stat(paths.log).catch(absentAsNull))?.size ?? 0
  for (const entry of await readIndexFile(fs, paths)) {
    // A record may be ahead of the log only when the log was cut, and behind its predecessor only when it is damaged.
    if (entry.end > size || entry.end <= index.bytes) return new LogIndex()
    index.add(entry)
  }
  const last = index.span(index.count - 1)
  if (last === null) return index
  const line = Buffer.alloc(last.end - last.start)
  const handle = await fs.open(paths.log, 'r')
  try {
    await handle.read(line, 0, line.length, last.start)
  } finally {
    await handle.close()
  }
  return leafHash(line.subarray(0, -1)).equals(index.tree.leaf(index.count - 1)) && line.at(-1) === 10
    ? index
    : new LogIndex()
}
