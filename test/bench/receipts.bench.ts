/** Signing, verifying and reading a log of 100,000 receipts: `--count N`. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openKeys } from '#engine/receipts/keys.ts'
import { openReceiptLog } from '#engine/receipts/receiptLog.ts'
import { draftOf } from '../engine/receipts/fixtures.ts'
import { row } from './benchEngine.ts'

const { values } = parseArgs({ options: { count: { type: 'string', default: '100000' } } })
const count = Number(values.count)
const folder = await mkdtemp(join(tmpdir(), 'statepack-bench-receipts-'))
try {
  const keys = await openKeys(join(folder, 'keys'))
  const rows = []
  const log = await openReceiptLog(join(folder, 'receipts'), { keys })
  const append = await seconds(async () => {
    // As many at a time as one flush takes.
    for (let from = 0; from < count; from += 4096) {
      const group = Array.from({ length: Math.min(4096, count - from) }, (_, i) => log.append(draftOf(from + i)))
      await Promise.all(group)
    }
  })
  const bytes = (await stat(join(folder, 'receipts', 'log.jsonl'))).size
  rows.push(row({ what: 'sign and append', seconds: append, 'receipts / s': count / append }))
  const single = await seconds(async () => {
    for (let i = 0; i < 20; i++) await log.append(draftOf(count + i))
  })
  rows.push(row({ what: 'one at a time, each durable', seconds: single / 20, 'receipts / s': 20 / single }))
  let report = await log.verify()
  const verify = await seconds(async () => {
    report = await log.verify()
  })
  if (report.break !== null) throw new Error('The log does not verify.')
  rows.push(row({ what: 'verify all', seconds: verify, 'receipts / s': report.count / verify }))
  const page = await seconds(() => log.list({ limit: 100 }))
  rows.push(row({ what: 'the newest 100', seconds: page, 'receipts / s': 100 / page }))
  await log.close()
  let reopened = log
  const open = await seconds(async () => {
    reopened = await openReceiptLog(join(folder, 'receipts'), { keys })
  })
  await reopened.close()
  rows.push(row({ what: 'open the log again', seconds: open, 'receipts / s': count / open }))
  console.table(rows)
  console.log(`${report.count} receipts, ${(bytes / 1e6).toFixed(1)} MB`)
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}
