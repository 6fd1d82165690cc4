import * as nodeFs from 'node:fs/promises'
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyRing, openKeys } from '#engine/receipts/keys.ts'
import type { LogFs } from '#engine/receipts/logFile.ts'
import { verifyConsistency, verifyInclusion } from '#engine/receipts/merkle.ts'
import { openReceiptLog } from '#engine/receipts/receiptLog.ts'
import { receiptStatement } from '#engine/receipts/statement.ts'
import { verifyLog } from '#engine/receipts/verifyLog.ts'
import type { ReceiptDraft } from '#shared/domain/receipt.ts'
import { copyOf, digestOf, draftOf, scratch } from './fixtures.ts'
import { mth } from './rfc6962.ts'

let keyFolder: Awaited<ReturnType<typeof scratch>>
let keys: KeyRing
beforeAll(async () => {
  keyFolder = await scratch()
  keys = await openKeys(keyFolder.path)
})
afterAll(() => keyFolder[Symbol.asyncDispose]())

const from0 = (n: number) => Array.from({ length: n }, (_, i) => i)

async function written(n: number) {
  const place = await scratch()
  const log = await openReceiptLog(place.path, { keys })
  const receipts = await Promise.all(from0(n).map(i => log.append(draftOf(i))))
  await log.close()
  return { ...place, receipts }
}

/** The real file system, counting syncs of log.jsonl and failing where told to. */
function instrumented() {
  const control = { syncs: 0, failWrite: '', failSync: '' }
  const fs: LogFs = {
    ...nodeFs,
    open: (async (...args: Parameters<typeof nodeFs.open>) => {
      const handle = await nodeFs.open(...args)
      if (!String(args[0]).endsWith('log.jsonl') || args[1] === 'r') return handle
      const failing = (code: string) => Object.assign(new Error(`${code}: injected`), { code })
      return new Proxy(handle, {
        get(target, name) {
          if (name === 'sync') {
            return async () => {
              if (control.failSync !== '') throw failing(control.failSync)
              control.syncs++
              await target.sync()
            }
          }
          if (name === 'write' && control.failWrite !== '') {
            return async (bytes: Buffer, start: number, _length: number, position: number) => {
              await target.write(bytes, start, 10, position)
              throw failing(control.failWrite)
            }
          }
          const value = Reflect.get(target, name) as unknown
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    }) as LogFs['open'],
  }
  return { fs, control }
}

/** Wherever it stands in a log. */
const operationId = (draft: ReceiptDraft) =>
  receiptStatement(draft, { seq: 9, prev: null, group: 9, at: '2026-01-01T00:00:00.000Z' }).predicate.operation_id

describe('receipt log', () => {
  it('acknowledges a receipt once it is on the disk, whatever it then writes of it', async () => {
    await using place = await scratch()
    const { fs, control } = instrumented()
    const derived = Promise.withResolvers<void>()
    const rename: LogFs['rename'] = async (...args) => {
      await derived.promise
      return nodeFs.rename(...args)
    }
    const log = await openReceiptLog(place.path, { keys, fs: { ...fs, rename } })
    const first = await log.append(draftOf(0))
    expect([control.syncs, await log.get(first.receipt_id)]).toEqual([1, first])
    const second = log.append(draftOf(1))
    derived.resolve()
    expect(await second).toMatchObject({ seq: 1, prev: first.receipt_id })
    await log.close()
    expect(await verifyLog(place.path, { trusted: keys.trusted })).toMatchObject({ ok: true, count: 2 })
  })

  it('gives back what was appended, numbered and chained, and verifies', async () => {
    await using place = await written(30)
    const log = await openReceiptLog(place.path, { keys })
    expect(log.count).toBe(30)
    const report = await log.verify()
    expect(report).toMatchObject({ ok: true, count: 30, break: null, torn: false })
    const lines = (await readFile(join(place.path, 'log.jsonl'), 'utf8')).split('\n').slice(0, -1)
    expect(report.root).toBe(mth(lines.map(line => Buffer.from(line))).toString('base64'))
    for (const [i, receipt] of place.receipts.entries()) {
      expect(receipt.seq).toBe(i)
      expect(receipt.prev).toBe(place.receipts[i - 1]?.receipt_id ?? null)
      expect(await log.get(receipt.receipt_id)).toEqual(receipt)
      expect(receipt.operation_id).toBe(operationId(draftOf(i)))
    }
    await expect(log.get(digestOf('never'))).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
  })

  it('keeps wall time out of both ids, and place out of operation_id', async () => {
    const at = (iso: string) => ({ keys, now: () => new Date(iso) })
    await using a = await scratch()
    await using b = await scratch()
    const early = await openReceiptLog(a.path, at('2026-01-01T00:00:00Z'))
    const late = await openReceiptLog(b.path, at('2027-01-01T00:00:00Z'))
    const one = await early.append(draftOf(1))
    const two = await late.append({ ...draftOf(1), observed: { seconds: 99 } })
    expect(two.observed.at).not.toBe(one.observed.at)
    expect([two.receipt_id, two.operation_id]).toEqual([one.receipt_id, one.operation_id])
    const again = await late.append(draftOf(1))
    expect(again.operation_id).toBe(one.operation_id)
    expect(again.receipt_id).not.toBe(one.receipt_id)
    for (const change of [
      { op: 'merge' as const },
      { ok: false },
      { inputs: [] },
      { sampling: { seed: 7 } },
      { environment: null },
    ]) {
      expect(operationId({ ...draftOf(1), ...change })).not.toBe(one.operation_id)
    }
    await early.close()
    await late.close()
  })

  it('refuses a draft with a wrong field, and writes nothing', async () => {
    await using place = await scratch()
    const log = await openReceiptLog(place.path, { keys })
    await expect(log.append({ op: 'infer', bytes: -1 })).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    await expect(log.append({ op: 'infer', base_sha256: 'xyz' })).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    expect(await readdir(place.path)).toEqual(['checkpoints'])
    const reader = await openReceiptLog(place.path, { keys, readOnly: true })
    await expect(reader.append(draftOf(1))).rejects.toMatchObject({ code: 'E_READ_ONLY' })
  })

  it('lists newest first, filters and pages without losing or repeating one', async () => {
    await using place = await written(700)
    const log = await openReceiptLog(place.path, { keys })
    const seen: number[] = []
    let total = 1
    while (seen.length < total) {
      const page = await log.list({ ops: ['create'], limit: 37, offset: seen.length })
      seen.push(...page.receipts.map(r => r.seq))
      total = page.total
      expect(page.ops).toEqual({ create: 234, infer: 466 })
    }
    expect(seen).toEqual(
      from0(700)
        .filter(i => i % 3 === 0)
        .reverse(),
    )
    const early = await log.list({ ascending: true, limit: 3, offset: 10 })
    expect(early.receipts.map(r => r.seq)).toEqual([10, 11, 12])
    const later = await log.list({ ok: true, before: 100, ops: ['infer'], offset: 60, limit: 50 })
    expect([later.total, later.receipts.at(-1)?.seq]).toEqual([66, 1])
    const about = await log.list({ about: digestOf('delta 5') })
    expect(about.receipts.map(r => r.seq)).toEqual([5])
    const exported: Uint8Array[] = []
    for await (const bytes of log.export('envelopes')) exported.push(bytes)
    expect(Buffer.concat(exported)).toEqual(await readFile(join(place.path, 'log.jsonl')))
    const readable: unknown[] = []
    for await (const bytes of log.export('receipts')) readable.push(JSON.parse(Buffer.from(bytes).toString()).seq)
    expect(readable).toEqual(from0(700))
  })

  it('proves inclusion and consistency of the log of now', async () => {
    await using place = await written(21)
    const log = await openReceiptLog(place.path, { keys })
    const bytes = (text: string) => Buffer.from(text, 'base64')
    const { leaf, root, proof, index, size } = await log.proveInclusion(13)
    expect(verifyInclusion({ leaf: bytes(leaf), index, size, root: bytes(root), proof: proof.map(bytes) })).toBe(true)
    const lines = (await readFile(join(place.path, 'log.jsonl'), 'utf8')).split('\n').slice(0, 9)
    const grown = await log.proveConsistency(9)
    const oldRoot = mth(lines.map(l => Buffer.from(l)))
    expect(verifyConsistency({ ...grown, oldRoot, newRoot: bytes(grown.newRoot), proof: grown.proof.map(bytes) })).toBe(
      true,
    )
  })

  it('writes 500 receipts that wait together with one sync', async () => {
    await using place = await scratch()
    const { fs, control } = instrumented()
    const log = await openReceiptLog(place.path, { keys, fs })
    await Promise.all(from0(500).map(i => log.append(draftOf(i))))
    expect(control.syncs).toBe(1)
    // Control: one after the other each needs its own.
    for (const i of from0(5)) await log.append(draftOf(i))
    expect(control.syncs).toBe(6)
    expect((await log.verify()).count).toBe(505)
    await log.close()
  })

  it.each([
    ['failWrite', 'ENOSPC', 'E_DISK_FULL'],
    ['failSync', 'EIO', 'E_IO'],
  ] as const)('%s with %s: typed error, nothing acknowledged, the next append works', async (where, system, code) => {
    await using place = await scratch()
    const { fs, control } = instrumented()
    const log = await openReceiptLog(place.path, { keys, fs })
    await log.append(draftOf(0))
    control[where] = system
    await expect(log.append(draftOf(1))).rejects.toMatchObject({ code })
    expect(log.count).toBe(1)
    control[where] = ''
    expect((await log.append(draftOf(2))).seq).toBe(1)
    expect(await log.verify()).toMatchObject({ ok: true, count: 2 })
    await log.close()
  })

  it('cuts off an unacknowledged half-written end, whatever its length', async () => {
    await using base = await written(5)
    const whole = await readFile(join(base.path, 'log.jsonl'))
    const keep = whole.lastIndexOf(10, whole.length - 2) + 1
    for (let cut = keep + 1; cut < whole.length; cut += process.env.DEEP ? 1 : 331) {
      await using place = await copyOf(base.path)
      // The state after a crash in the middle of the fifth receipt: nothing derived knows of it yet.
      await rm(join(place.path, 'checkpoints'), { recursive: true })
      await rm(join(place.path, 'index.bin'))
      await truncate(join(place.path, 'log.jsonl'), cut)
      const log = await openReceiptLog(place.path, { keys })
      expect(log.count).toBe(4)
      expect(await log.verify()).toMatchObject({ ok: true, count: 4, torn: true })
      expect((await log.append(draftOf(9))).seq).toBe(4)
      expect(await log.verify()).toMatchObject({ ok: true, count: 5, torn: false })
      await log.close()
    }
  })

  it('cuts off a group whose pages reached the disk out of order', async () => {
    await using place = await scratch()
    const log = await openReceiptLog(place.path, { keys })
    await log.append(draftOf(0))
    const before = (await stat(join(place.path, 'log.jsonl'))).size
    await Promise.all(from0(6).map(i => log.append(draftOf(i))))
    await log.close()
    await rm(join(place.path, 'checkpoints', 'latest'))
    await rm(join(place.path, 'index.bin'))
    const bytes = await readFile(join(place.path, 'log.jsonl'))
    bytes.fill(0, before + 100, before + 4196)
    await writeFile(join(place.path, 'log.jsonl'), bytes)
    const reopened = await openReceiptLog(place.path, { keys })
    expect((await reopened.append(draftOf(7))).seq).toBe(1)
    expect(await reopened.verify()).toMatchObject({ ok: true, count: 2 })
    await reopened.close()
  })

  it('never repairs what was acknowledged: appending is refused until someone looks', async () => {
    await using base = await written(5)
    const file = (folder: string) => join(folder, 'log.jsonl')
    const size = (await stat(file(base.path))).size
    for (const cut of [size - 1, size - 40]) {
      await using place = await copyOf(base.path)
      await truncate(file(place.path), cut)
      const log = await openReceiptLog(place.path, { keys })
      await expect(log.append(draftOf(9))).rejects.toMatchObject({ code: 'E_RECEIPT_LOG' })
      expect((await stat(file(place.path))).size).toBe(cut)
      expect(await log.verify()).toMatchObject({ ok: false, break: { kind: 'truncated', index: 4 } })
    }
    // A whole but edited line is not a torn one, even when everything derived is gone.
    await using place = await copyOf(base.path)
    await rm(join(place.path, 'checkpoints'), { recursive: true })
    await rm(join(place.path, 'index.bin'))
    const bytes = await readFile(file(place.path))
    bytes[size - 60] = (bytes[size - 60] ?? 0) ^ 1
    await writeFile(file(place.path), bytes)
    const log = await openReceiptLog(place.path, { keys })
    await expect(log.append(draftOf(9))).rejects.toMatchObject({ code: 'E_RECEIPT_LOG' })
  })

  it('opens the same with its derived index absent, stale, damaged or too long', async () => {
    await using base = await written(12)
    const index = await readFile(join(base.path, 'index.bin'))
    const damaged = Buffer.from(index)
    damaged.fill(7, 73 * 3 + 8, 73 * 3 + 40)
    for (const bytes of [Buffer.alloc(0), index.subarray(0, 300), damaged, Buffer.concat([index, index])]) {
      await using place = await copyOf(base.path)
      await writeFile(join(place.path, 'index.bin'), bytes)
      const log = await openReceiptLog(place.path, { keys })
      expect(log.count).toBe(12)
      for (const receipt of base.receipts) expect(await log.get(receipt.receipt_id)).toEqual(receipt)
      await log.append(draftOf(1))
      expect(await log.verify()).toMatchObject({ ok: true, count: 13 })
      await log.close()
      expect((await readFile(join(place.path, 'index.bin'))).subarray(0, index.length)).toEqual(index)
    }
  })

  it('stays right when reading and appending run into each other', async () => {
    await using place = await scratch()
    const a = await openReceiptLog(place.path, { keys })
    const b = await openReceiptLog(place.path, { keys })
    const work: Promise<unknown>[] = []
    for (const i of from0(60)) {
      work.push(
        a
          .append(draftOf(i))
          .then(receipt => Promise.all([b.get(receipt.receipt_id), b.list({ limit: 5 }), a.list({ limit: 5 })])),
        b.list(),
        i % 3 === 0 ? b.append(draftOf(1000 + i)) : b.proveInclusion(0).catch(() => undefined),
      )
      if (i % 7 === 0) await Promise.race(work.slice(-3))
    }
    await Promise.all(work)
    for (const [more, log] of [a, b].entries()) {
      const { receipts, total } = await log.list({ limit: 1000, ascending: true })
      expect(total).toBe(80 + more)
      expect(receipts.map(r => r.seq)).toEqual(from0(80 + more))
      await log.append(draftOf(1))
      expect(await log.verify()).toMatchObject({ ok: true })
      await log.close()
    }
  })

  it('takes a new line in once, however many readers see it at the same time', async () => {
    await using place = await scratch()
    const writer = await openReceiptLog(place.path, { keys })
    const reader = await openReceiptLog(place.path, { keys, readOnly: true })
    for (const i of from0(20)) {
      await writer.append(draftOf(i))
      const pages = await Promise.all(from0(4).map(() => reader.list()))
      expect(pages.map(page => page.total)).toEqual([i + 1, i + 1, i + 1, i + 1])
    }
    await writer.close()
  })

  it('lets two logs of one process and readers share a folder', async () => {
    await using place = await scratch()
    const a = await openReceiptLog(place.path, { keys })
    const b = await openReceiptLog(place.path, { keys })
    const receipts = await Promise.all(from0(40).map(i => (i % 2 === 0 ? a : b).append(draftOf(i))))
    expect(new Set(receipts.map(r => r.seq)).size).toBe(40)
    for (const receipt of receipts) expect((await a.get(receipt.receipt_id)).seq).toBe(receipt.seq)
    expect(await verifyLog(place.path, { trusted: keys.trusted })).toMatchObject({ ok: true, count: 40 })
    await a.close()
    await b.close()
  })
})
