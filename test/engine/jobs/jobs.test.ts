/** The line of long work on a real engine with a real model: failures, pause, cancel, what is kept and what is not. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { forkEngine } from '#hosts/engineProcess/engineChild.ts'
import { superviseEngine } from '#hosts/engineProcess/supervisor.ts'
import { type Client, createClient, type Input, type Output } from '#shared/rpc/client.ts'
import { engineOptions, exported, openTestEngine, type TestEngine } from '../testEngine.ts'

type NewJob = Input<'jobs.add'>['jobs'][number]

const ENTRY = join(import.meta.dirname, '../../../electron/hosts/engineProcess/main.ts')
const NOT_TEXT = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0)

let folder = ''
let opened: TestEngine
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-jobs-'))
  opened = await openTestEngine({ folder })
})
afterEach(async () => {
  await opened.close()
  await rm(folder, { recursive: true, force: true })
})

function text(title: string, words = `The goat ${title} lives in Oslo.`): NewJob {
  return {
    title,
    task: { kind: 'read', model: 'starter-transformer', title, check: false },
    sources: [{ name: title, text: words }],
  }
}
/** Takes a second or more to read on any machine. */
const long = (title: string): NewJob => ({
  title,
  task: { kind: 'read', model: 'starter-mamba', title, check: false },
  sources: [{ name: title, text: `${title}. ${'The station Juniper opens at 6:30. '.repeat(2000)}` }],
})

async function until(
  done: (status: Output<'jobs.status'>) => boolean,
  client: Client = opened.client,
): Promise<Output<'jobs.status'>> {
  let status = await client.call('jobs.status', {})
  const isDone = async () => {
    status = await client.call('jobs.status', {})
    return done(status) || status
  }
  await expect.poll(isDone, { interval: 5 }).toBe(true)
  return status
}
const idle = (client?: Client) => until(({ counts }) => counts.waiting + counts.running === 0, client)
const reading = (client?: Client) => until(({ running }) => running[0]?.progress?.unit === 'tokens', client)
async function states(client = opened.client): Promise<Record<string, string>> {
  const { jobs } = await client.call('jobs.list', {})
  return Object.fromEntries(jobs.map(({ title, state }) => [title, state]))
}

it('one that fails keeps its error and its text until it is dismissed, and stops no other', async () => {
  const { client } = opened
  const bad = { ...text('bad.bin'), sources: [{ name: 'bad.bin', bytes: NOT_TEXT }] }
  const good = { ...text('b.txt'), sources: [{ name: 'b.txt', bytes: new TextEncoder().encode('The goat B.') }] }
  await client.call('jobs.add', { jobs: [text('a'), bad, good] })
  const { counts, round } = await idle()
  expect(counts).toMatchObject({ done: 2, failed: 1 })
  expect(round).toEqual({ total: 3, ended: 3, share: 1 })
  const [failed, last] = (await client.call('jobs.list', {})).jobs
  expect(failed).toMatchObject({ title: 'bad.bin', state: 'failed', error: { code: 'E_NOT_TEXT' } })
  expect(last).toMatchObject({ title: 'b.txt', state: 'done' })
  const { made } = await client.call('jobs.get', { id: last?.id ?? -1 })
  expect(made.map(({ cartridge }) => cartridge.name)).toEqual(['b.txt'])
  // Trying again reads it again: its bytes were kept.
  await client.call('jobs.retry', { ids: [failed?.id ?? -1] })
  await idle()
  expect(await states()).toEqual({ 'bad.bin': 'failed' })
  expect(await client.call('jobs.dismiss', { states: ['failed', 'waiting'] })).toEqual({ jobs: 1 })
  expect(await states()).toEqual({})
})

it('says of a text that was read by a guess at its encoding that it was', async () => {
  const { client } = opened
  const bytes = new Uint8Array(Buffer.from('José lives in Málaga.', 'latin1'))
  await client.call('jobs.add', { jobs: [{ ...text('city.txt'), sources: [{ name: 'city.txt', bytes }] }] })
  await idle()
  const [job] = (await client.call('jobs.list', {})).jobs
  const { made } = await client.call('jobs.get', { id: job?.id ?? -1 })
  expect(made[0]?.notes).toEqual([
    'city.txt does not say how it is encoded: it was read as windows-1252, which is a guess.',
  ])
})

it('a text that is too long can be split, and says which part is being read', async () => {
  const { client } = opened
  await client.call('jobs.add', { jobs: [text('long', 'The station Juniper opens at 6:30. '.repeat(220))] })
  await idle()
  const [job] = (await client.call('jobs.list', {})).jobs
  expect(job).toMatchObject({ state: 'failed', error: { code: 'E_CONTEXT_LENGTH' } })
  const parts: unknown[] = []
  await client.call('jobs.retry', { ids: [job?.id ?? -1], split: true })
  await until(({ running, counts }) => {
    parts.push(running[0]?.progress?.part)
    return counts.done === 1
  })
  const { made } = await client.call('jobs.get', { id: job?.id ?? -1 })
  expect(made.length).toBeGreaterThan(1)
  expect(parts).toContainEqual({ number: 2, of: made.length })
})

it('is checked for what it recalls where that is wanted; stopping the check keeps the cartridge', async () => {
  const { client } = opened
  const facts = await readFile(join(import.meta.dirname, '../../../docs/verbs.md'), 'utf8')
  const checked = text('checked', facts.slice(0, 1500))
  const stopped = text('stopped', facts.slice(1500, 3000))
  const checking = (one: NewJob): NewJob => ({ ...one, task: { ...one.task, check: true } as NewJob['task'] })
  await client.call('jobs.add', { jobs: [checking(checked), checking(stopped)] })
  await until(({ running }) => running[0]?.title === 'stopped' && running[0].packetIds.length === 1)
  await client.call('jobs.cancel', { states: ['running'] })
  await idle()
  expect(await states()).toEqual({ checked: 'done', stopped: 'done' })
  const found = (await client.call('library.list', {})).items.map(({ name, spotChecks }) => [name, spotChecks !== null])
  expect(Object.fromEntries(found)).toEqual({ checked: true, stopped: false })
  // Summed over all that jobs have made, each cartridge once.
  const { spotChecks } = (await client.call('library.list', { query: 'checked' })).items[0] ?? {}
  expect(spotChecks?.checked).toBeGreaterThan(0)
  const sum = async (kind?: 'read' | 'import') => (await client.call('jobs.list', { states: ['done'], kind })).checks
  expect(await sum()).toEqual({ cartridges: 1, ...spotChecks })
  await client.call('jobs.add', { jobs: [{ ...checked, title: 'again' }] })
  await idle()
  expect(await sum('read')).toEqual({ cartridges: 1, ...spotChecks })
  expect(await sum('import')).toEqual({ cartridges: 0, recalled: 0, checked: 0 })
})

it('pausing holds a text where it is, asking goes on meanwhile, and nothing is read twice', async () => {
  const { client } = opened
  const began = performance.now()
  const [id = 0] = (await client.call('jobs.add', { jobs: [long('held'), text('next')] })).ids
  await reading()
  await client.call('jobs.pause', { paused: true })
  let held = Number.NaN
  // The piece that was being read is read to its end.
  const goesOn = async () => {
    const before = held
    held = (await client.call('jobs.status', {})).running[0]?.progress?.done ?? 0
    return held !== before
  }
  await expect.poll(goesOn, { interval: 150 }).toBe(false)
  const stood = performance.now()
  const other = { model: 'starter-mamba', sources: [{ name: 'meanwhile', text: 'The goat lives in Oslo.' }] }
  expect((await client.call('packets.create', other)).cacheHit).toBe(false)
  expect((await client.call('jobs.status', {})).paused).toBe(true)
  const secondsHeld = (performance.now() - stood) / 1000
  await client.call('jobs.pause', { paused: false })
  const seen: number[] = []
  await until(({ running, counts }) => {
    const { done } = running[0]?.progress ?? {}
    if (running[0]?.title === 'held' && done !== undefined) seen.push(done)
    return counts.done === 2
  })
  expect(seen.every(done => done >= held)).toBe(true)
  // No figure of what it took counts the time in which it stood still.
  const [made] = (await client.call('jobs.get', { id })).made
  const { seconds = Number.NaN, secondsReading = Number.NaN } = made ?? {}
  expect(seconds).toBeLessThan((performance.now() - began) / 1000 - secondsHeld)
  expect(secondsReading).toBeLessThan(seconds)
})

it('a paused text lets go of its model when that is unloaded, and is read again later', async () => {
  const { client } = opened
  await client.call('jobs.add', { jobs: [long('held')] })
  await reading()
  await client.call('jobs.pause', { paused: true })
  await opened.engine.state.models.unload()
  expect(await until(({ counts }) => counts.waiting === 1)).toMatchObject({ paused: true })
  await client.call('jobs.pause', { paused: false })
  await reading()
  await client.call('jobs.cancel', { states: ['running'] })
  await idle()
})

it('cancelling stops what runs, keeps what was to be read, and leaves nothing half-made', async () => {
  const { client } = opened
  await client.call('jobs.add', { jobs: [long('a'), text('b'), text('c')] })
  await reading()
  expect(await client.call('jobs.cancel', { states: ['waiting', 'running'] })).toEqual({ jobs: 3 })
  await idle()
  expect(await states()).toEqual({ a: 'cancelled', b: 'cancelled', c: 'cancelled' })
  expect((await client.call('library.list', {})).total).toBe(0)
  const [, b] = (await client.call('jobs.list', {})).jobs
  await client.call('jobs.retry', { ids: [b?.id ?? -1] })
  await idle()
  expect(await states()).toMatchObject({ b: 'done' })
})

it('goes on by itself with what ran when the Studio was closed, and stays paused if it was', async () => {
  await opened.client.call('jobs.add', { jobs: [long('a'), text('b')] })
  await reading()
  await opened.client.call('jobs.pause', { paused: true })
  await opened.close()
  opened = await openTestEngine({ folder })
  expect(await opened.client.call('jobs.status', {})).toMatchObject({
    paused: true,
    counts: { waiting: 2, running: 0 },
  })
  await opened.client.call('jobs.pause', { paused: false })
  await idle()
  expect(await states()).toEqual({ a: 'done', b: 'done' })
})

it('one engine at a time works through the line; another one shows it, and takes over when the first has gone', async () => {
  await opened.client.call('jobs.add', { jobs: [long('a')] })
  const first = opened
  opened = await openTestEngine({ folder })
  expect(await opened.client.call('jobs.status', {})).toMatchObject({ elsewhere: true, counts: { running: 1 } })
  await expect(opened.client.call('jobs.add', { jobs: [text('b')] })).rejects.toMatchObject({ code: 'E_STORE_BUSY' })
  await first.close()
  await idle()
  expect(await states()).toEqual({ a: 'done' })
})

it('what was read is gone from the disk of the line, what failed is kept until it is dismissed', async () => {
  const { client } = opened
  const where = async (canary: string) => {
    const store = join(folder, 'store')
    const files = (await readdir(store)).filter(name => /^library/.test(name))
    const found = await Promise.all(files.map(name => readFile(join(store, name))))
    return found.some(bytes => bytes.includes(canary))
  }
  await client.call('jobs.pause', { paused: true })
  const failing = { ...text('failing', 'canary-of-what-failed'), task: { ...text('failing').task, model: 'nowhere' } }
  await client.call('jobs.add', { jobs: [text('reading', 'canary-of-what-was-read'), failing as NewJob] })
  expect(await where('canary-of-what-was-read')).toBe(true)
  await client.call('jobs.pause', { paused: false })
  await idle()
  await expect.poll(() => where('canary-of-what-was-read')).toBe(false)
  expect(await where('canary-of-what-failed')).toBe(true)
  await client.call('jobs.dismiss', { states: ['failed'] })
  expect(await where('canary-of-what-failed')).toBe(false)
})

it('a file that was sent is kept until it is taken in; one that is refused until it is dismissed', async () => {
  const { client } = opened
  const made = await client.call('packets.create', {
    model: 'starter-transformer',
    sources: [{ name: 'a', text: 'The goat lives in Oslo.' }],
  })
  const bytes = await exported(client, { ref: made.cartridge.packetId })
  await client.call('library.delete', { packetIds: [made.cartridge.packetId] })
  const copies = () => readdir(join(folder, 'store', 'uploads')).catch(() => [])
  await client.call('jobs.pause', { paused: true })
  await client.call('jobs.import', { title: 'good' }, { upload: [bytes.subarray(0, 99), bytes.subarray(99)] })
  await client.call('jobs.import', { title: 'cut' }, { upload: [bytes.subarray(0, 5000)] })
  expect((await copies()).length).toBe(2)
  // Who leaves in the middle of sending leaves nothing.
  const broken = (function* () {
    yield bytes.subarray(0, 100)
    throw new Error('gone')
  })()
  await expect(client.call('jobs.import', { title: 'broken' }, { upload: broken })).rejects.toThrow('gone')
  expect((await copies()).length).toBe(2)
  await opened.close()
  opened = await openTestEngine({ folder })
  await opened.client.call('jobs.pause', { paused: false })
  await idle()
  expect(await states()).toEqual({ good: 'done', cut: 'failed' })
  expect((await opened.client.call('library.list', {})).items.map(({ packetId }) => packetId)).toEqual([
    made.cartridge.packetId,
  ])
  await expect.poll(async () => (await copies()).length).toBe(1)
  await opened.client.call('jobs.dismiss', { states: ['failed'] })
  await expect.poll(copies).toEqual([])
})

it('kill -9 in the middle of reading: what ran is shown as interrupted, the rest goes on, and it can be tried again', async () => {
  await opened.close()
  const pids: (number | undefined)[] = []
  const supervisor = superviseEngine({
    start: () => {
      const child = forkEngine(ENTRY)
      pids.push(child.pid)
      return child
    },
    engine: { ...engineOptions(folder), device: 'cpu' },
  })
  const client = createClient(supervisor)
  try {
    await client.call('jobs.add', { jobs: [text('before'), long('killed'), text('after')] })
    await until(({ running }) => running[0]?.title === 'killed' && running[0].progress?.unit === 'tokens', client)
    process.kill(pids[0] ?? 0, 'SIGKILL')
    await expect.poll(() => pids.length).toBe(2)
    const counts = async () => (await client.call('jobs.status', {})).counts
    await expect.poll(counts).toMatchObject({ waiting: 0, running: 0 })
    expect(await states(client)).toEqual({ before: 'done', killed: 'interrupted', after: 'done' })
    const [killed] = (await client.call('jobs.list', { states: ['interrupted'] })).jobs
    expect(killed?.error?.code).toBe('E_ENGINE_DOWN')
    await client.call('jobs.retry', { states: ['interrupted'] })
    await idle(client)
    expect(await states(client)).toEqual({ killed: 'done' })
    expect((await client.call('library.list', {})).items.map(({ name }) => name).sort()).toEqual([
      'after',
      'before',
      'killed',
    ])
  } finally {
    await supervisor.dispose()
    opened = await openTestEngine({ folder })
  }
})
