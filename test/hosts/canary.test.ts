/** A text that nobody but its cartridge may hold: after work, questions and failures it is in no other file, no metric, no error. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openLog } from '#engine/logging/openLog.ts'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { startTestApi, type TestApi } from './api/startTestApi.ts'

const CANARY = 'zanzibarquokka'
const TEXT = `Facts:\nThe ${CANARY} of Tolan is green.\n`
const QUESTION = `\nQuestion: What is ${CANARY}?\nAnswer:`

const place = mkdtempSync(join(tmpdir(), 'statepack-canary-'))
const temporary = join(place, 'temporary')
let test: TestApi

beforeAll(async () => {
  mkdirSync(temporary)
  vi.stubEnv('TMPDIR', temporary)
  const log = openLog(join(place, 'logs'), 'engine', 'debug')
  test = await startTestApi({}, { folder: join(place, 'app'), log })
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(place, { recursive: true, force: true })
})

/** Every file and folder below, by its path. */
const below = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).map(entry => ({
    path: relative(folder, join(entry.parentPath, entry.name)),
    bytes: entry.isFile() ? readFileSync(join(entry.parentPath, entry.name)) : Buffer.alloc(0),
  }))

/** As text, in either width, and in base64 at each of its three phases. */
const SPELLINGS = [
  Buffer.from(CANARY),
  Buffer.from(CANARY, 'utf16le'),
  Buffer.from(Buffer.from(CANARY).toString('hex')),
  ...[0, 1, 2].map(phase => {
    const text = Buffer.concat([Buffer.alloc(phase), Buffer.from(CANARY)]).toString('base64')
    return Buffer.from(text.slice(phase === 0 ? 0 : 4, -4))
  }),
]
const tells = (bytes: Buffer) => SPELLINGS.some(spelling => bytes.includes(spelling))

it('is where it belongs and nowhere else', async () => {
  const { client } = test
  const told: unknown[] = []
  const call = dispatch(test.engine.handlers).call
  const model = 'starter-transformer'
  const made = await client.call('packets.create', { model, sources: [{ name: 'tea.txt', text: TEXT }], name: 'tea' })
  const ref = made.cartridge.packetId
  await client.call('packets.infer', { ref, delta: QUESTION, maxNewTokens: 8, persist: 'memory' })
  await test.ask('/infer', { state_hash: ref, delta_text: QUESTION, max_new_tokens: 4 })
  await test.ask('/v1/chat/completions', {
    model,
    state: ref,
    messages: [{ role: 'user', content: `Is it ${CANARY}?` }],
    max_tokens: 4,
  })
  await client.call('packets.merge', { ref, delta: `The ${CANARY} is asleep.\n` })
  await client.call('packets.verify', { ref, level: 'recomputed' })
  // What fails says what is wrong with it, never what it was.
  told.push(
    await call('packets.infer', { ref: 'nothing', delta: QUESTION }),
    await call('packets.infer', { ref, delta: QUESTION, maxNewTokens: CANARY }),
    await call('packets.infer', { ref, delta: `${QUESTION} \u0000`.repeat(2000), maxNewTokens: 1 }),
    await call('packets.create', { model: 'none', sources: [{ text: TEXT }] }),
    await call('packets.create', { model, sources: [{ text: TEXT }], dtype: CANARY }),
    await call('packets.merge', { ref, delta: QUESTION, nonsense: CANARY }),
    await call('packets.import', { path: ref }),
    await test.ask('/infer', { state_hash: ref, delta_text: QUESTION, max_new_tokens: -1 }),
    await test.ask('/states', { base_text: TEXT, model: 'none' }),
    await test.ask('/v1/completions', { prompt: TEXT, temperature: 'hot' }),
  )
  const cancelled = new AbortController()
  const stopped = client.call(
    'packets.create',
    { model, sources: [{ text: TEXT.repeat(20) }] },
    { signal: cancelled.signal, onProgress: () => cancelled.abort() },
  )
  told.push(await stopped.catch(thrown => ({ message: String(thrown), thrown })))
  const failures = JSON.stringify(told)
  expect(failures).toMatch(/E_NOT_FOUND.*E_BAD_INPUT/s)
  expect(failures).not.toContain(CANARY)
  const metrics = await (await test.send('/metrics')).text()
  expect(metrics).toContain('statepack')
  expect(metrics).not.toContain(CANARY)
  await test.close()

  const files = below(place)
  expect(files.filter(({ path }) => path.includes(CANARY))).toEqual([])
  const telling = files.filter(({ bytes }) => tells(bytes)).map(({ path }) => path)
  // The texts of the cartridge, and the index of its words.
  expect(telling.length).toBeGreaterThan(0)
  const allowed = /^app\/store\/(?:blobs\/sha256\/[0-9a-f]{64}|index\.sqlite)$/
  expect(telling.filter(path => !allowed.test(path.replaceAll('\\', '/')))).toEqual([])
  expect(files.some(({ path, bytes }) => path.endsWith('engine.log') && bytes.length > 1000)).toBe(true)
})
