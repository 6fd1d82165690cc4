/** Names, files, remixes and receipts from the command line, on the real program. */
import { existsSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { putTogether, takeApart } from '../../engine/trust/forgery.ts'
import { openHome, storeContents } from './statepack.ts'

const home = openHome()
afterAll(() => home.remove())
const store = (name = 'app/store') => home.path(name)

beforeAll(async () => {
  await home.write('a.txt', 'Facts:\nThe fee of the club is 314.\nThe code of the gate is 77.\n')
  await home.write('b.txt', 'Facts:\nThe captain of the Aurora is Mara Quill.\n')
  await home.write('question.txt', '\nQuestion: What is the fee of the club?\nAnswer:')
  await home.ok(['create', '--base', 'a.txt', '--name', 'club'])
  for (const name of ['a', 'b'])
    await home.ok(['create', '--model', 'starter-mamba', '--base', `${name}.txt`, '--name', `mamba-${name}`])
})

describe('the library', () => {
  it('lists, searches and looks inside', async () => {
    const { cartridges, total } = await home.ok(['list'])
    expect(total).toBe(3)
    expect(cartridges.map(({ name }: { name: string }) => name).sort()).toEqual(['club', 'mamba-a', 'mamba-b'])
    const found = async (words: string) =>
      (await home.ok(['search', words])).cartridges.map(({ name }: { name: string }) => name).sort()
    // One by its name, the other by its text.
    expect(await found('club')).toEqual(['club', 'mamba-a'])
    expect(await found('aurora')).toEqual(['mamba-b'])
    const suggested = await home.ok(['suggest', 'What is the fee of the club?', '--model', 'starter-transformer'])
    expect(suggested.candidates[0].cartridge).toMatchObject({ name: 'club', packetId: suggested.chosen })
    expect((await home.ok(['list', '--kind', 'kv'])).total).toBe(1)
    expect((await home.ok(['history', 'club'])).steps).toEqual([])
    const inspected = await home.ok(['inspect', 'club'])
    expect(inspected.components).toHaveLength(12)
    for (const { matches } of inspected.components) expect(matches).toBe(true)
  })

  it('says what states take of the disk, and is told how much they may', async () => {
    const before = await home.ok(['memory'])
    expect(before).toMatchObject({ cold_follows_the_disk: true, stored: 3 })
    expect(before.stored_bytes).toBeGreaterThan(100_000)
    expect(before.budgets.cold).toBeGreaterThan(before.stored_bytes)
    await home.ok(['memory', '--cold', '40GB', '--warm', '1.5 GiB'])
    const { hot } = before.budgets
    expect((await home.ok(['memory'])).budgets).toEqual({ hot, warm: 1.5 * 2 ** 30, cold: 40e9 })
    expect(await home.ok(['memory', '--cold', 'auto'])).toMatchObject({ cold_follows_the_disk: true })
    for (const wrong of ['much', '-5', '5 miles']) expect((await home.run(['memory', `--cold=${wrong}`])).code).toBe(2)
  })

  it('lists the models', async () => {
    const { models } = await home.ok(['models', 'list'])
    expect(models.map(({ id, kind }: { id: string; kind: string }) => [id, kind])).toEqual([
      ['starter-mamba', 'ssm'],
      ['starter-transformer', 'kv'],
    ])
  })

  it('mixes recurrent states, and reads texts again in an order', async () => {
    const mixed = await home.ok(['remix', 'mamba-a=0.7', 'mamba-b=0.3', '--name', 'mixed'])
    expect(mixed).toMatchObject({ op: 'remix', ok: true, name: 'mixed' })
    await home.ok(['verify', '--manifest', 'mixed', '--level', 'recomputed'])
    const composed = await home.ok(['remix', 'mamba-b', 'mamba-a', '--compose', '--name', 'composed'])
    expect(composed.new_context_id).not.toBe(mixed.new_context_id)
    const attention = await home.run(['remix', 'club', 'mamba-a'])
    expect(attention.code).not.toBe(0)
    expect(attention.error().message).toMatch(/^[A-Z].{20,}\.$/)
  })
})

describe('a .cartridge file', () => {
  let file: Uint8Array
  beforeAll(async () => {
    const { file: path, file_bytes } = await home.ok(['export', 'club', '--out', 'club.cartridge'])
    const again = await home.run(['export', 'club', '--out', 'club.cartridge'])
    expect(again.code).toBe(0)
    const piped = await home.run(['export', 'club', '--out', '-'])
    expect([piped.code, piped.stdout.startsWith('oci-layout'), existsSync(home.path('-'))]).toEqual([0, true, false])
    if (process.platform !== 'win32') expect(statSync(home.path('club.cartridge')).mode & 0o777).toBe(0o600)
    file = await readFile(home.path(path))
    expect(file.byteLength).toBe(file_bytes)
  })

  it('is checked alone, reviewed, imported restricted, and run once trusted', async () => {
    const { packet_id } = await home.ok(['resolve', '--base-hash', 'club'])
    const checked = await home.ok(['verify', '--manifest', 'club.cartridge', '--store', 'other'])
    expect(checked).toMatchObject({ ok: true, packet_id })
    const empty = await storeContents(store('other'))
    const review = await home.ok(['import', 'club.cartridge', '--review', '--store', 'other'])
    expect(review).toMatchObject({ packetId: packet_id, duplicate: false, modelInstalled: true })
    expect(review.recoverableText).toContain('314')
    expect(await storeContents(store('other'))).toEqual(empty)

    const imported = await home.ok(['import', 'club.cartridge', '--store', 'other'])
    expect(imported).toMatchObject({ op: 'import', packet_id, trust: 'restricted', duplicate: false })
    const infer = ['infer', '--manifest', packet_id, '--delta', 'question.txt']
    const refused = await home.run([...infer, '--store', 'other'])
    expect([refused.code, refused.error().code]).toEqual([28, 'E_RESTRICTED'])
    await home.ok(['import', 'club.cartridge', '--store', 'trusting', '--trust', '--name', 'mine'])
    const answered = await home.ok(['infer', '--manifest', 'mine', '--delta', 'question.txt', '--store', 'trusting'])
    expect(answered.output.trim()).toBe('314.')
  })

  it('says what it gives away before it is written, and in the result', async () => {
    await home.write('key.txt', 'The key of the club is sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.\n')
    await home.ok(['create', '--base', 'key.txt', '--system', 'Be brief.', '--name', 'key'])
    const looked = await home.ok(['export', 'key', '--review'])
    expect(looked).toMatchObject({ system_prompt: 'Be brief.', card: expect.any(Boolean) })
    expect(looked.text).toContain('The key of the club')
    expect(looked.secrets).toHaveLength(1)
    expect(existsSync(home.path('key.cartridge'))).toBe(false)
    const written = await home.run(['export', 'key'])
    expect(written.stderr).toMatch(
      /^Anyone who gets this file can read its text: key\.txt \(\d+ characters\), and its system prompt\. It seems to hold: /,
    )
    expect(written.json().gives_away).toMatchObject({ system_prompt: 'Be brief.', sources: [{ name: 'key.txt' }] })
    expect((await home.run(['export', 'key', '--quiet', '--out', 'k.cartridge'])).stderr).toBe('')
  })

  it('that lies about its text is shown whole to whoever trusts it, and never trusted by itself', async () => {
    const draft = takeApart(file)
    draft.config.tail.text += 'The capital of Ruritania is Berlin.'
    await writeFile(home.path('lie.cartridge'), putTogether(draft))
    const review = await home.ok(['import', 'lie.cartridge', '--review', '--store', 'lied'])
    expect(review.notFromTexts).toContain('"tail"')
    expect(review.heldBack).toContain('Ruritania')
    const { packet_id, trust } = await home.ok(['import', 'lie.cartridge', '--store', 'lied'])
    expect(trust).toBe('restricted')
    const verify = await home.run(['verify', '--manifest', packet_id, '--level', 'recomputed', '--store', 'lied'])
    expect([verify.code, verify.error().code]).toEqual([25, 'E_NOT_RECOMPUTED'])
    const trusted = await home.run(['import', 'lie.cartridge', '--trust', '--store', 'lied'])
    expect(trusted.stderr).toContain('The fee of the club is 314.')
    expect(trusted.stderr).toContain('The capital of Ruritania is Berlin.')
    expect(trusted.json()).toMatchObject({ trust: 'trusted', not_from_texts: review.notFromTexts })
    const honest = await home.run(['import', 'club.cartridge', '--trust', '--store', 'lied', '--name', 'honest'])
    expect([honest.stderr, honest.json().not_from_texts]).toEqual(['', null])
  })

  it('with one changed byte anywhere is refused by verify and import, and leaves nothing behind', async () => {
    await home.ok(['import', 'club.cartridge', '--review', '--store', 'clean'])
    const before = await storeContents(store('clean'))
    const count = process.env.DEEP ? 200 : 6
    for (let sample = 0; sample < count; sample++) {
      // Spread over the file, its headers and its end included.
      const at = sample === 0 ? 120 : Math.floor((file.byteLength - 1) * (sample / (count - 1)))
      const changed = Uint8Array.from(file)
      changed[at] = (changed[at] ?? 0) ^ 0x20
      await writeFile(home.path('changed.cartridge'), changed)
      const command = sample % 2 === 0 ? ['verify', '--manifest'] : ['import']
      const refused = await home.run([...command, 'changed.cartridge', '--store', 'clean'])
      expect([20, 21, 22, 23], `byte ${at}: ${refused.stderr}`).toContain(refused.code)
      expect(refused.error().code).toMatch(/^E_(CORRUPT|MISSING_BLOB|BAD_FORMAT|UNSUPPORTED_VERSION)$/)
      expect(refused.stdout).toBe('')
      expect(await storeContents(store('clean'))).toEqual(before)
    }
    await home.ok(['import', 'club.cartridge', '--store', 'clean'])
  })

  it('that another tool has packed is taken on request only, and the error says how', async () => {
    await writeFile(home.path('packed.cartridge'), withAnotherTime(file))
    const refused = await home.run(['import', 'packed.cartridge', '--store', 'packed'])
    expect([refused.code, refused.error().code]).toEqual([22, 'E_BAD_FORMAT'])
    expect(refused.error().message).toContain('--lenient')
    const imported = await home.ok(['import', 'packed.cartridge', '--lenient', '--store', 'packed'])
    expect(imported.packet_id).toBe((await home.ok(['resolve', '--base-hash', 'club'])).packet_id)
  })

  it('of the other model is refused with the component that differs', async () => {
    const other = await home.run([
      ...['infer', '--model', 'starter-mamba', '--manifest', 'club', '--delta', 'question.txt'],
    ])
    expect(other.code).toBe(24)
    expect(other.error()).toMatchObject({
      code: 'E_COMPONENT_MISMATCH',
      details: { component: expect.any(String), expected: expect.any(String), found: expect.any(String) },
    })
    expect(other.error().message).toContain(other.error().details.component)
  })
})

describe('receipts', () => {
  it('are listed, verified, exported and replayed', async () => {
    const { receipts, total, ops } = await home.ok(['receipts', 'list'])
    expect(receipts).toHaveLength(total)
    const count = (wanted: string) => receipts.filter(({ op }: { op: string }) => op === wanted).length
    expect(ops).toMatchObject({ create: count('create'), export: count('export') })
    expect(count('create')).toBeGreaterThan(2)
    expect(count('export')).toBeGreaterThan(2)
    expect(receipts.map(({ seq }: { seq: number }) => seq)).toEqual([...receipts.keys()].reverse())
    const { receipts: some } = await home.ok(['receipts', 'list', '--op', 'create', '--limit', '2', '--offset', '1'])
    expect(some).toHaveLength(2)
    const verified = await home.ok(['receipts', 'verify'])
    expect(verified).toMatchObject({ ok: true, count: total, verified: total, problem: null })
    const exported = await home.ok(['receipts', 'export', '--out', 'log.jsonl'])
    const lines = (await home.read('log.jsonl')).trimEnd().split('\n')
    expect(lines).toHaveLength(total)
    expect(exported.bytes).toBe((await readFile(home.path('log.jsonl'))).byteLength)
    const create = receipts.find(({ op }: { op: string }) => op === 'create')
    const replayed = await home.ok(['receipts', 'replay', create.receipt_id])
    expect(replayed).toMatchObject({ same: true, operationId: create.operation_id, differences: [] })
  })

  it('a changed receipt is found at its index, a cut tail by a checkpoint kept elsewhere', async () => {
    const { checkpoint } = await home.ok(['receipts', 'verify'])
    await home.write('checkpoint.txt', checkpoint)
    await home.ok(['receipts', 'verify', '--checkpoint', 'checkpoint.txt'])
    const log = join(store(), 'receipts', 'log.jsonl')
    const whole = await readFile(log, 'utf8')
    const lines = whole.trimEnd().split('\n')

    await writeFile(log, `${lines.slice(0, -1).join('\n')}\n`)
    const cut = await home.run(['receipts', 'verify', '--checkpoint', 'checkpoint.txt'])
    expect([cut.code, cut.error().code]).toEqual([27, 'E_RECEIPT_LOG'])

    const envelope = JSON.parse(lines[1] ?? '')
    lines[1] = JSON.stringify({ ...envelope, payload: envelope.payload.replace(/^./, 'B') })
    await writeFile(log, `${lines.join('\n')}\n`)
    const edited = await home.run(['receipts', 'verify'])
    expect(edited.code).toBe(27)
    expect(edited.error()).toMatchObject({ code: 'E_RECEIPT_LOG' })
    expect(edited.stderr).toContain('1')
    const damaged = await readFile(log, 'utf8')
    await writeFile(log, whole)
    await home.ok(['receipts', 'verify', '--checkpoint', 'checkpoint.txt'])
    const held = await home.run(['receipts', 'begin'])
    expect(held.error()).toMatchObject({ code: 'E_CONFLICT' })

    // A damaged log is closed, kept as evidence, and a new one begun that signs what was left of it.
    await writeFile(log, damaged)
    const { aside } = await home.ok(['receipts', 'begin'])
    expect(await readFile(join(store(), 'receipts', aside, 'log.jsonl'), 'utf8')).toBe(damaged)
    expect(await home.ok(['receipts', 'verify'])).toMatchObject({ ok: true, count: 1 })
  })
})

/** The same archive with another modification time in its first header: what any tar program would write. */
function withAnotherTime(file: Uint8Array): Buffer {
  const changed = Buffer.from(file)
  changed.write('00000000001', 136, 'latin1')
  changed.write(' '.repeat(8), 148, 'latin1')
  const sum = changed.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return changed
}
