import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { IN_TOTO_TYPE, signEnvelope } from '#engine/receipts/dsse.ts'
import { type KeyRing, openKeys } from '#engine/receipts/keys.ts'
import { parseLine } from '#engine/receipts/logFile.ts'
import { openReceiptLog } from '#engine/receipts/receiptLog.ts'
import { parseReceiptStatement } from '#engine/receipts/statement.ts'
import { type BreakKind, verifyLog } from '#engine/receipts/verifyLog.ts'
import { copyOf, draftOf, randomOf, scratch } from './fixtures.ts'

type Random = ReturnType<typeof randomOf>
const CASES = process.env.DEEP ? 10_000 : 210
const LENGTH = 24

let keyFolder: Awaited<ReturnType<typeof scratch>>
let keys: KeyRing
let strangerFolder: Awaited<ReturnType<typeof scratch>>
let stranger: KeyRing
let base: Awaited<ReturnType<typeof scratch>>
let other: Awaited<ReturnType<typeof scratch>>
let baseLines: string[]
let otherLines: string[]
let outside: string

async function grow(folder: string, { from, to, group }: { from: number; to: number; group: number }) {
  const log = await openReceiptLog(folder, { keys })
  for (let i = from; i < to; i += group) {
    await Promise.all(Array.from({ length: Math.min(group, to - i) }, (_, k) => log.append(draftOf(i + k))))
  }
  const checkpoint = await log.checkpoint()
  await log.close()
  return checkpoint
}

const linesOf = async (folder: string) => (await readFile(join(folder, 'log.jsonl'), 'utf8')).split('\n').slice(0, -1)

beforeAll(async () => {
  keyFolder = await scratch()
  keys = await openKeys(keyFolder.path)
  strangerFolder = await scratch()
  stranger = await openKeys(strangerFolder.path)
  base = await scratch()
  outside = await grow(base.path, { from: 0, to: LENGTH, group: 5 })
  other = await scratch()
  await grow(other.path, { from: 1000, to: 1000 + LENGTH, group: 3 })
  baseLines = await linesOf(base.path)
  otherLines = await linesOf(other.path)
})
afterAll(() => Promise.all([keyFolder, strangerFolder, base, other].map(place => place[Symbol.asyncDispose]())))

interface Attack {
  readonly name: string
  /** What the log holds afterwards, and the first receipt that is not what was written. */
  readonly run: (
    random: Random,
  ) => { lines: string[]; index: number; end?: string } | Promise<{ lines: string[]; index: number; end?: string }>
  readonly kinds: readonly BreakKind[]
}

/** A line with its content changed and signed again by `ring`, or left with the old signature. */
function rewritten(line: string, ring: KeyRing | null): string {
  const { envelope } = parseLine(Buffer.from(line))
  const statement = parseReceiptStatement(envelope.payload)
  const predicate = { ...statement.predicate, bytes: (statement.predicate.bytes ?? 0) + 1 }
  const payload = canonicalBytes({ ...statement, predicate })
  if (ring !== null) return Buffer.from(signEnvelope(IN_TOTO_TYPE, payload, ring.current)).toString()
  return line.replace(/"payload":"[^"]*"/, `"payload":"${Buffer.from(payload).toString('base64')}"`)
}

const EDITS: ((line: string, random: Random) => string)[] = [
  (line, random) => {
    const bytes = Buffer.from(line)
    const at = random.below(bytes.length)
    for (let bit = random.below(8); ; bit = (bit + 1) % 8) {
      const flipped = (bytes[at] ?? 0) ^ (1 << bit)
      if (flipped === 10) continue
      bytes[at] = flipped
      return bytes.toString('latin1')
    }
  },
  line => rewritten(line, null),
  line => rewritten(line, stranger),
  line => ` ${line}`,
  line => line.replace('{', '{"a":1,'),
  line => line.slice(0, -1),
  line => line.replace(/"sig":"./, '"sig":"'),
  () => '',
  () => '{}',
]

const ATTACKS: Attack[] = [
  {
    name: 'edit',
    kinds: ['format', 'signature', 'unknown_key', 'fork', 'order', 'chain', 'truncated'],
    run: random => {
      const index = random.below(LENGTH)
      const edit = EDITS[random.below(EDITS.length)] as (typeof EDITS)[number]
      return { index, lines: baseLines.map((line, i) => (i === index ? edit(line, random) : line)) }
    },
  },
  {
    name: 'delete',
    kinds: ['order', 'truncated', 'fork'],
    run: random => {
      const index = random.below(LENGTH)
      const count = 1 + random.below(Math.min(4, LENGTH - index))
      return { index, lines: baseLines.toSpliced(index, count) }
    },
  },
  {
    name: 'reorder',
    kinds: ['order', 'fork'],
    run: random => {
      const index = random.below(LENGTH - 1)
      const from = index + 1 + random.below(LENGTH - index - 1)
      const lines = [...baseLines]
      const [moved = ''] = lines.splice(from, 1)
      lines.splice(index, 0, moved)
      return { index, lines }
    },
  },
  {
    name: 'splice',
    kinds: ['order', 'chain', 'fork'],
    run: random => {
      // A receipt of another log of the same owner, with or without its right number, put in or put in place of one.
      const index = random.below(LENGTH)
      const foreign = otherLines[random.below(2) === 0 ? index : random.below(LENGTH)] as string
      return { index, lines: baseLines.toSpliced(index, random.below(2), foreign) }
    },
  },
  {
    name: 'truncate',
    kinds: ['truncated'],
    run: random => {
      const index = random.below(LENGTH)
      const line = baseLines[index] as string
      return {
        index,
        lines: baseLines.slice(0, index),
        end: random.below(2) === 0 ? '' : line.slice(0, random.below(line.length + 1)),
      }
    },
  },
  {
    name: 'replay',
    kinds: ['order', 'fork'],
    run: random => {
      const index = 1 + random.below(LENGTH)
      return { index, lines: baseLines.toSpliced(index, 0, baseLines[random.below(index)] as string) }
    },
  },
  {
    name: 'fork',
    kinds: ['fork'],
    run: async random => {
      // The owner's own key, another history from `index` on: every line of it is valid.
      const index = random.below(LENGTH)
      await using place = await scratch()
      await writeFile(
        join(place.path, 'log.jsonl'),
        baseLines
          .slice(0, index)
          .map(line => `${line}\n`)
          .join(''),
      )
      await grow(place.path, { from: 5000, to: 5000 + LENGTH - index + random.below(4), group: 4 })
      return { index, lines: await linesOf(place.path) }
    },
  },
]

describe('a receipt log that was tampered with', () => {
  it.each(ATTACKS)('$name: reported at the right index', async ({ name, run, kinds }) => {
    await using place = await copyOf(base.path)
    const file = join(place.path, 'log.jsonl')
    for (let i = 0; i < CASES / ATTACKS.length; i++) {
      const { lines, index, end = '' } = await run(randomOf(i * 7919 + name.length))
      await writeFile(file, lines.map(line => `${line}\n`).join('') + end, 'latin1')
      const report = await verifyLog(place.path, { trusted: keys.trusted, checkpoint: outside })
      expect({ case: i, ok: report.ok, index: report.break?.index, exact: report.break?.exact }).toEqual({
        case: i,
        ok: false,
        index,
        exact: true,
      })
      expect(kinds).toContain(report.break?.kind)
    }
  })

  it('control: the log as it was written passes, also against a checkpoint it has outgrown', async () => {
    await using place = await copyOf(base.path)
    expect(await verifyLog(place.path, { trusted: keys.trusted, checkpoint: outside })).toMatchObject({
      ok: true,
      count: LENGTH,
    })
    await grow(place.path, { from: 50, to: 60, group: 2 })
    const report = await verifyLog(place.path, { trusted: keys.trusted, checkpoint: outside })
    expect(report).toMatchObject({ ok: true, count: LENGTH + 10, break: null })
    expect(report.checkpoints.agreed).toBe(4)
  })

  it('finds a cut or forked log by the outside checkpoint alone, when everything else in the store was rolled back too', async () => {
    await using place = await scratch()
    await writeFile(
      join(place.path, 'log.jsonl'),
      baseLines
        .slice(0, 9)
        .map(line => `${line}\n`)
        .join(''),
    )
    // Control: without a checkpoint from outside, an older log is as good as a new one. docs/threat-model.md says so.
    expect(await verifyLog(place.path, { trusted: keys.trusted })).toMatchObject({ ok: true, count: 9 })
    expect(await verifyLog(place.path, { trusted: keys.trusted, checkpoint: outside })).toMatchObject({
      break: { kind: 'truncated', index: 9 },
    })
    await grow(place.path, { from: 5000, to: 5030, group: 30 })
    expect(await verifyLog(place.path, { trusted: keys.trusted })).toMatchObject({ ok: true })
    const report = await verifyLog(place.path, { trusted: keys.trusted, checkpoint: outside })
    // Only a range can be known then: somewhere in what the checkpoint covers.
    expect(report.break).toMatchObject({ kind: 'fork', exact: false, index: 0 })
    expect(await verifyLog(other.path, { trusted: keys.trusted, checkpoint: outside })).toMatchObject({
      break: { kind: 'fork', index: 0 },
    })
  })

  it('names the keys it does not know, and accepts them once trusted', async () => {
    expect(await verifyLog(base.path, { trusted: stranger.trusted })).toMatchObject({
      break: { kind: 'unknown_key', index: 0 },
    })
    expect(await verifyLog(base.path, { trusted: [...stranger.trusted, ...keys.trusted] })).toMatchObject({ ok: true })
  })

  it('refuses a given checkpoint that is damaged or signed by someone else', async () => {
    const check = (checkpoint: string, trusted = keys.trusted) => verifyLog(base.path, { trusted, checkpoint })
    await expect(check(outside, stranger.trusted)).rejects.toMatchObject({ code: 'E_BAD_SIGNATURE' })
    await expect(check(outside.replace(`\n${LENGTH}\n`, '\n9\n'))).rejects.toMatchObject({ code: 'E_BAD_SIGNATURE' })
    for (const text of ['', 'nonsense', outside.slice(0, 60), outside.replace(`\n${LENGTH}\n`, '\n024\n')]) {
      await expect(check(text)).rejects.toMatchObject({ code: 'E_BAD_FORMAT' })
    }
    const note = outside.split('\n')
    expect(note[0]).toMatch(/^statepack-receipts\/[0-9a-f]{32}$/)
    expect(note[3]).toBe('')
    expect(note[4]).toMatch(new RegExp(`^\u2014 ${note[0]} [A-Za-z0-9+/=]+$`))
  })

  it('ignores, and names, stored checkpoints that are not signed', async () => {
    await using place = await copyOf(base.path)
    await writeFile(join(place.path, 'checkpoints', '7'), 'x')
    const report = await verifyLog(place.path, { trusted: keys.trusted })
    expect(report).toMatchObject({ ok: true, checkpoints: { ignored: ['7'] } })
  })

  it('refuses to append to a log that contradicts its last checkpoint', async () => {
    await using place = await copyOf(base.path)
    await writeFile(
      join(place.path, 'log.jsonl'),
      baseLines
        .toSpliced(3, 1)
        .map(line => `${line}\n`)
        .join(''),
    )
    const log = await openReceiptLog(place.path, { keys })
    await expect(log.append(draftOf(1))).rejects.toMatchObject({ code: 'E_RECEIPT_LOG' })
    expect(await log.verify()).toMatchObject({ ok: false, break: { index: 3 } })
    // Starting over keeps the evidence.
    const { receipt, aside } = await log.startNew()
    expect(receipt).toMatchObject({ op: 'begin', seq: 0, prev: null })
    const third = JSON.parse(Buffer.from(JSON.parse(baseLines[2] ?? '').payload, 'base64').toString())
    const last = (await (await openReceiptLog(base.path, { keys, readOnly: true })).list({ ascending: true }))
      .receipts[2]
    expect(third.predicate.seq).toBe(2)
    expect(receipt.details).toMatchObject({ closed: aside, closed_count: 3, closed_head: last?.receipt_id })
    expect((await log.append(draftOf(1))).seq).toBe(1)
    expect(await log.verify()).toMatchObject({ ok: true, count: 2 })
    // A log that holds is not closed.
    await expect(log.startNew()).rejects.toMatchObject({ code: 'E_CONFLICT' })
    const kept = (await readdir(place.path)).find(name => name.startsWith('aside-')) as string
    expect(await linesOf(join(place.path, kept))).toEqual(baseLines.toSpliced(3, 1))
    expect(kept).toBe(aside)
    await log.close()
  })

  it('is taken up by another process when it was begun anew', async () => {
    await using place = await copyOf(base.path)
    const other = await openReceiptLog(place.path, { keys })
    const damaged = baseLines.toSpliced(-1, 1)
    await writeFile(join(place.path, 'log.jsonl'), damaged.map(line => `${line}\n`).join(''))
    const log = await openReceiptLog(place.path, { keys })
    await log.startNew()
    expect((await other.append(draftOf(2))).seq).toBe(1)
    expect((await log.append(draftOf(3))).seq).toBe(2)
    await Promise.all([log, other].map(each => each.close()))
  })

  it('vouches for packets its own key made, and for no others', async () => {
    const log = await openReceiptLog(base.path, { keys, readOnly: true })
    const foreign = await openReceiptLog(base.path, { keys: stranger, readOnly: true })
    const { receipts } = await log.list({ limit: 3 })
    for (const { packet_id } of receipts) {
      if (packet_id === null) throw new Error('the fixture names a packet')
      expect(await log.vouchesFor(packet_id)).toBe(true)
      expect(await foreign.vouchesFor(packet_id)).toBe(false)
    }
  })
})
