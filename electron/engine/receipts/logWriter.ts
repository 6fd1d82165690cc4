/** The writing half of the log: one group of receipts, under the lock between processes. */
import { join } from 'node:path'
import type { Receipt, ReceiptDraft } from '#shared/domain/receipt.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { logOrigin, signCheckpoint } from './checkpoint.ts'
import { IN_TOTO_TYPE, signEnvelope } from './dsse.ts'
import type { KeyRing } from './keys.ts'
import type { LogFs, LogPaths } from './logFile.ts'
import { encodeIndexEntry, type IndexEntry, type LogIndex, RECORD } from './logIndex.ts'
import { catchUp, cutTo, type LogState } from './logState.ts'
import { leafHash } from './merkle.ts'
import { receiptId, receiptOf, receiptStatement } from './statement.ts'
import { syncFolder, writeCheckpoint } from './storedCheckpoints.ts'

/** A checkpoint is written durably, under its size, each time the log passes a multiple of this. */
const CHECKPOINT_EVERY = 1000

export interface Writing {
  readonly fs: LogFs
  readonly paths: LogPaths
  readonly keys: KeyRing
  readonly state: LogState
  readonly now: () => Date
}

/**
 * Numbers, signs, writes and syncs a group. `onDurable` is given its receipts as soon as all of them are on disk for good;
 * what is derived from them follows, and nobody need wait for it. Throws with none of them in the log. Call it under the lock.
 */
export async function writeGroup(
  writing: Writing,
  drafts: readonly ReceiptDraft[],
  onDurable: (receipts: readonly Receipt[]) => void,
): Promise<void> {
  const { fs, paths, keys, state } = writing
  await catchUp({ fs, paths, trusted: keys.trusted, state })
  const { index } = state
  const first = index.count
  const offset = index.bytes
  const at = writing.now().toISOString()
  const lines: Buffer[] = []
  const entries: IndexEntry[] = []
  const receipts: Receipt[] = []
  let prev = index.ids.at(-1) ?? null
  let end = offset
  for (const [i, draft] of drafts.entries()) {
    const statement = receiptStatement(draft, { seq: first + i, prev, group: first, at })
    const line = signEnvelope(IN_TOTO_TYPE, canonicalBytes(statement), keys.current)
    prev = receiptId(statement)
    end += line.length + 1
    lines.push(Buffer.from(line), Buffer.from('\n'))
    entries.push({ end, leaf: leafHash(line), id: prev, op: statement.predicate.op })
    receipts.push(receiptOf(statement, keys.current.keyid, prev))
  }
  await writeLines(writing, { bytes: Buffer.concat(lines), offset })
  for (const entry of entries) index.add(entry)
  onDurable(receipts)
  await writeDerived(writing, first)
}

/** The signed checkpoint of everything in the index. */
export function checkpointNote(index: LogIndex, keys: KeyRing): string {
  const { tree } = index
  const root = tree.root()
  return signCheckpoint(
    { origin: logOrigin(tree.size === 0 ? root : tree.leaf(0)), size: index.count, root },
    keys.current,
  )
}

async function writeLines({ fs, paths }: Writing, { bytes, offset }: { bytes: Buffer; offset: number }): Promise<void> {
  const handle = await fs.open(paths.log, offset === 0 ? 'w' : 'r+', 0o600)
  try {
    for (let done = 0; done < bytes.length; ) {
      done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten
    }
    await handle.sync()
  } catch (error) {
    // Nobody was told that these exist. If even this fails, the next writer cuts them off.
    await cutTo(fs, paths.log, offset).catch(() => undefined)
    throw error
  } finally {
    await handle.close()
  }
  if (offset === 0) await syncFolder(fs, paths.folder)
}

/** Checkpoint and index. The receipts are already safe: a failure here costs speed or evidence later, not the operation. */
async function writeDerived({ fs, paths, keys, state }: Writing, first: number): Promise<void> {
  const { index } = state
  try {
    const note = checkpointNote(index, keys)
    await writeCheckpoint(fs, paths.latest, { note, durable: false })
    if (Math.floor(first / CHECKPOINT_EVERY) !== Math.floor(index.count / CHECKPOINT_EVERY)) {
      await writeCheckpoint(fs, join(paths.checkpoints, String(index.count)), { note, durable: true })
    }
    const handle = await fs.open(paths.index, 'a+', 0o600)
    try {
      const stored = Math.floor((await handle.stat()).size / RECORD)
      // Another process may have died between its receipts and its index, or left the index of a longer, cut log.
      const from = Math.min(stored, first, state.indexed)
      await handle.truncate(from * RECORD)
      await handle.appendFile(Buffer.concat([...index.entries(from)].map(encodeIndexEntry)))
      state.indexed = index.count
    } finally {
      await handle.close()
    }
  } catch {
    // Rewritten by the next flush, or rebuilt on open.
  }
}
