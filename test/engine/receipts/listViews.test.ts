import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type KeyRing, openKeys } from '#engine/receipts/keys.ts'
import { listViews } from '#engine/receipts/listViews.ts'
import { openReceiptLog } from '#engine/receipts/receiptLog.ts'
import { copyOf, draftOf, randomOf, scratch } from './fixtures.ts'

const LENGTH = 24
let keyFolder: Awaited<ReturnType<typeof scratch>>
let base: Awaited<ReturnType<typeof scratch>>
let keys: KeyRing

beforeAll(async () => {
  keyFolder = await scratch()
  keys = await openKeys(keyFolder.path)
  base = await scratch()
  const log = await openReceiptLog(base.path, { keys })
  for (let i = 0; i < LENGTH; i++) await log.append(draftOf(i))
  await log.close()
})
afterAll(() => Promise.all([keyFolder, base].map(place => place[Symbol.asyncDispose]())))

/** Opens a copy, then spoils lines in place: what somebody does to the file of a running Studio. */
async function spoiled(places: readonly number[]) {
  const copy = await copyOf(base.path)
  const log = await openReceiptLog(copy.path, { keys })
  const file = join(copy.path, 'log.jsonl')
  const lines = (await readFile(file, 'utf8')).split('\n')
  for (const place of places) lines[place] = `#${lines[place]?.slice(1)}`
  await writeFile(file, lines.join('\n'))
  return {
    log,
    async [Symbol.asyncDispose]() {
      await log.close()
      await copy[Symbol.asyncDispose]()
    },
  }
}

it('keeps every receipt at its place when one can no longer be read, and verifying names that place', async () => {
  const random = randomOf(5)
  for (let round = 0; round < 8; round++) {
    const place = random.below(LENGTH - 1)
    await using damaged = await spoiled([place])
    const { log } = damaged
    // Without the care taken here, nothing could be listed at all.
    await expect(log.list({ limit: 100 })).rejects.toMatchObject({ code: 'E_RECEIPT_LOG' })
    const { receipts, total } = await listViews(log, { offset: 0, limit: 100 })
    expect(total).toBe(LENGTH)
    expect(receipts.map(receipt => receipt.seq)).toEqual(Array.from({ length: LENGTH }, (_, i) => LENGTH - 1 - i))
    const bad = receipts.filter(receipt => !receipt.ok)
    expect(bad.map(receipt => receipt.seq)).toEqual([place])
    const report = await log.verify()
    expect(report.break?.index).toBe(place)
    expect(receipts.filter(receipt => receipt.seq === report.break?.index)).toEqual(bad)
    // It still opens under its own id, and says what happened to it.
    await expect(log.get(bad[0]?.receipt_id ?? '')).rejects.toMatchObject({ code: 'E_RECEIPT_LOG' })
  }
})

it('pages and filters as before', async () => {
  await using damaged = await spoiled([3, 9])
  const { log } = damaged
  const creates = await listViews(log, { ops: ['create'], offset: 0, limit: 100, ascending: true })
  expect(creates.receipts.map(receipt => [receipt.seq, receipt.op, receipt.ok])).toEqual(
    [0, 3, 6, 9, 12, 15, 18, 21].map(seq => [seq, 'create', seq !== 3 && seq !== 9]),
  )
  const page = await listViews(log, { offset: LENGTH - 4, limit: 3 })
  expect(page.receipts.map(receipt => receipt.seq)).toEqual([3, 2, 1])
  expect(page.ops).toEqual({ create: 8, infer: 16 })
})

it('lists a sound log as it is', async () => {
  const log = await openReceiptLog(base.path, { keys })
  const { receipts } = await listViews(log, { offset: 0, limit: 5 })
  expect(receipts.map(({ seq, ok }) => [seq, ok])).toEqual([23, 22, 21, 20, 19].map(seq => [seq, true]))
  await log.close()
})
