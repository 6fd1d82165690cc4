/** Bad input at the command line: its exit code, one JSON error on stderr, nothing on stdout, the store unchanged. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ERROR_CODES, type ErrorCode } from '#shared/domain/error.ts'
import { bundledText } from '../../engine/testEngine.ts'
import { openHome, storeContents } from './statepack.ts'

const home = openHome()
afterAll(() => home.remove())

beforeAll(async () => {
  await home.write('base.txt', 'Facts:\nThe fee of the club is 314.\n')
  await home.write('question.txt', '\nQuestion: What is the fee of the club?\nAnswer:')
  await home.ok(['create', '--base', 'base.txt', '--out', 'st', '--name', 'club'])
})

/** Runs what must be refused; tells what was said. */
async function refused(args: readonly string[], code: ErrorCode) {
  const store = home.path('st')
  const before = await storeContents(store)
  const ran = await home.run(args)
  const command = `statepack ${args.join(' ')}`
  expect(ran.stdout, command).toBe('')
  const error = ran.error()
  expect([ran.code, error.code], `${command}: ${ran.stderr}`).toEqual([ERROR_CODES[code].exit, code])
  expect(error.message).toMatch(/^\S.*[.)]$/s)
  expect(await storeContents(store)).toEqual(before)
  return error
}

const create = (file: string) => ['create', '--base', file, '--out', 'st']

describe('texts', () => {
  it.each<[string, string | Uint8Array, ErrorCode]>([
    ['empty', '', 'E_EMPTY_TEXT'],
    ['white space', ' \n\t\n', 'E_EMPTY_TEXT'],
    ['10 MB', 'word '.repeat(2_000_000), 'E_TOO_LARGE'],
    ['binary', new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0]), 'E_NOT_TEXT'],
    ['binary that happens to be UTF-8', 'PK\u0003\u0004\0\0', 'E_NOT_TEXT'],
    ['past the context', 'The fee is 1.\n'.repeat(1000), 'E_CONTEXT_LENGTH'],
  ])('%s', async (_, content, code) => {
    await home.write('bad.txt', content)
    await refused(create('bad.txt'), code)
  })

  it('a file that is not there, and a folder', async () => {
    await refused(create('nobody.txt'), 'E_NOT_FOUND')
    await refused(create('.'), 'E_BAD_INPUT')
    // Refused before anything is opened: not even an empty store is made.
    await refused(['create', '--base', 'nobody.txt', '--out', 'never'], 'E_NOT_FOUND')
    expect(existsSync(home.path('never'))).toBe(false)
  })
})

describe('names', () => {
  it('an unknown model, device and cartridge', async () => {
    await refused([...create('base.txt'), '--model', 'gpt-9'], 'E_UNKNOWN_MODEL')
    await refused([...create('base.txt'), '--device', 'abacus'], 'E_DEVICE')
    await refused(['infer', '--manifest', 'nobody', '--delta', 'question.txt', '--store', 'st'], 'E_NOT_FOUND')
    await home.write('other.txt', 'Facts:\nThe code is 5.\n')
    await refused([...create('other.txt'), '--name', 'club'], 'E_CONFLICT')
  })

  it('unknown flags, values and commands are wrong usage', async () => {
    const lines = [
      [...create('base.txt'), '--bogus'],
      ['create'],
      ['frobnicate'],
      ['infer', '--delta', 'question.txt', '--store', 'st'],
      ['infer', '--manifest', 'club', '--delta', 'question.txt', '--store', 'st', '--max-new-tokens', 'many'],
      ['compact', 'club', '--store', 'st', '--drop', 'x'],
      [...create('base.txt'), '--dtype', 'float5'],
      [...create('base.txt'), '--template', '--date', '2026-02-31'],
    ]
    await Promise.all(lines.map(line => refused(line, 'E_USAGE')))
    const alone = await home.run([])
    expect([alone.code, alone.stdout]).toEqual([2, ''])
    expect(alone.stderr).toContain('Usage: statepack')
  })
})

describe('files', () => {
  it('wrong JSON, JSON of something else, and a delta that is not the one it names', async () => {
    await home.write('broken.json', '{"version": "state-delta-v1", "packet_id"')
    await refused(['infer', '--delta', 'broken.json', '--store', 'st'], 'E_BAD_JSON')
    await refused(['verify', '--manifest', 'broken.json'], 'E_BAD_JSON')
    await home.write('other.json', '{"version": "something-else"}')
    await refused(['infer', '--delta', 'other.json', '--store', 'st'], 'E_BAD_FORMAT')
    await refused(['verify', '--manifest', 'other.json'], 'E_BAD_FORMAT')

    await home.ok(['delta', '--manifest', 'club', '--store', 'st', '--delta', 'question.txt', '--out', 'd.json'])
    const packet = JSON.parse(await home.read('d.json'))
    await home.write('d.json', JSON.stringify({ ...packet, delta_text: `${packet.delta_text} 271?` }))
    const error = await refused(['infer', '--delta', 'd.json', '--store', 'st'], 'E_CORRUPT')
    expect(error.details.field).toBe('delta_sha256')
  })

  it('an id of a key that is none, in words', async () => {
    const { message } = await refused(['keys', 'block', '4be0', '--store', 'st'], 'E_BAD_INPUT')
    expect(message).toMatch(/64 hexadecimal digits/)
  })

  it('a place that cannot be written to', async () => {
    await refused(['export', 'club', '--store', 'st', '--out', 'no/such/club.cartridge'], 'E_NOT_FOUND')
    await refused(['receipts', 'export', '--store', 'st', '--out', '.'], 'E_BAD_INPUT')
    // What is there and is something else stays: a slip of the hand must not cost a letter.
    await home.write('letter.txt', 'Dear reader')
    await refused(['export', 'club', '--store', 'st', '--out', 'letter.txt'], 'E_CONFLICT')
    await refused(['receipts', 'export', '--store', 'st', '--out', 'letter.txt'], 'E_CONFLICT')
    await refused(
      ['delta', '--manifest', 'club', '--store', 'st', '--delta', 'base.txt', '--out', 'letter.txt'],
      'E_CONFLICT',
    )
    expect(await home.read('letter.txt')).toBe('Dear reader')
    // Nobody writes to this pipe: opening it the usual way would wait for ever.
    if (process.platform !== 'win32') {
      execFileSync('mkfifo', [home.path('pipe')])
      await refused(['export', 'club', '--store', 'st', '--out', 'pipe'], 'E_CONFLICT')
      symlinkSync('elsewhere/club.cartridge', home.path('link'))
      await refused(['export', 'club', '--store', 'st', '--out', 'link'], 'E_CONFLICT')
      expect(readlinkSync(home.path('link'))).toBe('elsewhere/club.cartridge')
    }
    await refused(['receipts', 'verify', '--store', 'st', '--checkpoint', 'nothing'], 'E_NOT_FOUND')
  })

  it('something that is no cartridge', async () => {
    await home.write('noise.cartridge', new Uint8Array(5000).fill(7))
    await refused(['import', 'noise.cartridge', '--store', 'st'], 'E_BAD_FORMAT')
    await home.write('nothing.cartridge', '')
    await refused(['verify', '--manifest', 'nothing.cartridge', '--store', 'st'], 'E_BAD_FORMAT')
  })
})

describe('stores', () => {
  it.each([
    ['list'],
    ['gc'],
    ['receipts', 'list'],
    ['export', 'club', '--out', 'never.cartridge'],
    ['infer', '--manifest', 'club', '--delta', 'question.txt'],
  ])('%s: one that is not there, and is not made', async (...words) => {
    const { message } = await refused([...words, '--store', 'typo'], 'E_NOT_FOUND')
    expect(message).toContain(`There is no store in ${home.path('typo')}.`)
    expect(existsSync(home.path('typo'))).toBe(false)
  })

  it('counting tokens asks nothing of one', async () => {
    expect(await home.ok(['tokenize', '--delta', 'question.txt', '--store', 'new'])).toHaveProperty('token_count')
  })

  it('a folder of something else is none', async () => {
    await home.write('holiday/list.txt', 'Sun cream')
    await refused(['list', '--store', 'holiday'], 'E_NOT_FOUND')
    expect(readdirSync(home.path('holiday'))).toEqual(['list.txt'])
  })

  it('a file in its place, and a database that is none', async () => {
    await home.write('file', 'not a folder')
    await refused(['list', '--store', 'file'], 'E_STORE_UNREADABLE')
    expect(await home.read('file')).toBe('not a folder')
    await home.ok(['create', '--base', 'base.txt', '--out', 'broken'])
    await home.write('broken/library.sqlite', 'this is not a database, and long enough to be read as one. '.repeat(20))
    await refused(['list', '--store', 'broken'], 'E_STORE_UNREADABLE')
  })

  it('a missing and a changed blob', async () => {
    const { packet_id } = await home.ok(['create', '--base', 'base.txt', '--out', 'hurt'])
    const blobs = home.path('hurt/blobs/sha256')
    const manifest = JSON.parse(await readFile(join(blobs, packet_id.slice(7)), 'utf8'))
    const kv = join(blobs, manifest.layers[1].digest.slice(7))
    const bytes = await readFile(kv)
    chmodSync(kv, 0o600)
    await writeFile(
      kv,
      bytes.map((byte, index) => (index === 900 ? byte ^ 1 : byte)),
    )
    await refused(['verify', '--manifest', packet_id, '--store', 'hurt'], 'E_CORRUPT')
    await refused(['infer', '--manifest', packet_id, '--delta', 'question.txt', '--store', 'hurt'], 'E_CORRUPT')
    await rm(kv)
    await refused(['verify', '--manifest', packet_id, '--store', 'hurt'], 'E_MISSING_BLOB')
    await refused(['infer', '--manifest', packet_id, '--delta', 'question.txt', '--store', 'hurt'], 'E_MISSING_BLOB')
  })
})

describe('Ctrl+C half-way', () => {
  it('ends with exit code 130, a typed error, and the store as it was', async () => {
    const { text } = await bundledText('contract')
    await home.write('long.txt', text.repeat(40))
    const store = home.path('st')
    const before = await storeContents(store)
    // The meter's file is opened last: by then Ctrl+C is listened to, and reading takes seconds from there.
    await rm(join(store, 'meter.sqlite-wal'), { force: true })
    const ran = await home.run([...create('long.txt'), '--model', 'starter-mamba'], {
      interruptWhen: () => existsSync(join(store, 'meter.sqlite-wal')),
    })
    expect([ran.code, ran.stdout]).toEqual([130, ''])
    expect(ran.error().code).toBe('E_CANCELLED')
    expect(await storeContents(store)).toEqual(before)
    expect(readdirSync(store).filter(name => name.endsWith('.partial'))).toEqual([])
    await home.ok(['verify', '--manifest', 'club', '--store', 'st', '--level', 'recomputed'])
  })

  it('of an answer ends the same way, and keeps nothing of it', async () => {
    const { text } = await bundledText('contract')
    await home.write('long.txt', text.repeat(40))
    await home.ok(['create', '--model', 'starter-mamba', '--base', 'base.txt', '--name', 'told', '--store', 'st'])
    const store = home.path('st')
    const before = await storeContents(store)
    await rm(join(store, 'meter.sqlite-wal'), { force: true })
    const infer = ['infer', '--manifest', 'told', '--delta', 'long.txt', '--keep-output', '--store', 'st']
    const ran = await home.run(infer, { interruptWhen: () => existsSync(join(store, 'meter.sqlite-wal')) })
    expect([ran.code, ran.stdout, ran.error().code]).toEqual([130, '', 'E_CANCELLED'])
    expect(await storeContents(store)).toEqual(before)
  })

  it('a demo leaves none of its own folders', async () => {
    await mkdir(home.path('temporary'))
    const made = () => readdirSync(home.path('temporary'), { recursive: true }).map(String)
    const ran = await home.run(['demo', '--json'], {
      env: { TMPDIR: home.path('temporary') },
      interruptWhen: () => made().some(name => name.endsWith('log.jsonl')),
    })
    expect([ran.code, ran.stdout, ran.error().code]).toEqual([130, '', 'E_CANCELLED'])
    expect(made()).toEqual([])
  })
})
