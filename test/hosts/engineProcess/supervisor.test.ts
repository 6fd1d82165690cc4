import { existsSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import type { SupervisorOptions } from '#hosts/engineProcess/supervisor.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { startTestEngine, type TestEngine } from './startTestEngine.ts'

let open: TestEngine[] = []
const start = (options: Partial<SupervisorOptions> = {}, mode?: string) => {
  const engine = startTestEngine(options, mode)
  open.push(engine)
  return engine
}
const tensor = (ref: string, layer = 1) => ({ ref, tensor: 'key', layer })
const until = async (what: () => boolean) => {
  while (!what()) await new Promise(resolve => setTimeout(resolve, 5))
}

afterEach(async () => {
  await Promise.all(open.map(engine => engine.supervisor.dispose()))
  open = []
})

describe('an engine in a process of its own', () => {
  it('answers in another process, with typed arrays and progress in order', async () => {
    const { supervisor } = start()
    const gc = await supervisor.call('library.gc', {}, {})
    expect(gc).toMatchObject({ ok: true, data: { dryRun: false } })
    expect(gc.ok && (gc.data as { blobs: number }).blobs).not.toBe(process.pid)

    const reports: Progress[] = []
    const result = await supervisor.call('packets.tensor', tensor('progress', 40), { onProgress: p => reports.push(p) })
    expect(reports.map(r => r.done)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(result).toEqual({
      ok: true,
      data: { shape: [40], values: Float32Array.from({ length: 40 }, (_, i) => i / 3) },
    })
  })

  it('tells a caller nothing that it does not want to hear', async () => {
    const { supervisor, children } = start()
    await supervisor.settled()
    const heard: string[] = []
    children[0]?.onMessage(({ kind }) => kind === 'alive' || heard.push(kind))
    await supervisor.call('packets.tensor', tensor('progress', 5), {})
    expect(heard).toEqual(['result'])
    await supervisor.call('packets.tensor', tensor('progress', 5), { onProgress: () => {} })
    expect(heard).toEqual(['result', ...Array(5).fill('progress'), 'result'])
  })

  it('validates on its own side and passes its errors on as they are', async () => {
    const { supervisor } = start()
    expect(await supervisor.call('no.such', {}, {})).toMatchObject({ error: { code: 'E_NOT_FOUND' } })
    expect(await supervisor.call('library.gc', { dryRun: 1 }, {})).toMatchObject({ error: { code: 'E_BAD_INPUT' } })
    const bytes = new Uint8Array(3_000_000).fill(9)
    expect(await supervisor.call('documents.extract', { name: 'x', bytes }, {})).toMatchObject({
      error: { code: 'E_CONFLICT', message: '3000000 bytes, first 9' },
    })
  })

  it('refuses an input that cannot be sent, at once or from the queue, and has its place for others', async () => {
    const { supervisor } = start({ maxInFlight: 2 })
    const nested = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))
    const refused = { error: { code: 'E_BAD_INPUT' } }
    const waited = Array.from({ length: 4 }, () => supervisor.call('library.gc', { nested }, {}))
    for (const answer of await Promise.all(waited)) expect(answer).toMatchObject(refused)
    for (let i = 0; i < 4; i++) expect(await supervisor.call('library.gc', { nested }, {})).toMatchObject(refused)
    expect(supervisor.health()).toMatchObject({ inFlight: 0, waiting: 0 })
    expect(await supervisor.call('library.gc', {}, {})).toMatchObject({ ok: true })
  })

  it('outlives an answer and an event that cannot be sent', async () => {
    const { supervisor } = start()
    const first = await supervisor.call('library.gc', {}, {})
    expect(await supervisor.call('answers.get', { id: 'resp_1' }, {})).toMatchObject({ error: { code: 'E_INTERNAL' } })
    // By then the event was due.
    expect(await supervisor.call('packets.tensor', tensor('block', 50), {})).toMatchObject({ ok: true })
    expect(await supervisor.call('library.gc', {}, {})).toEqual(first)
    expect(supervisor.health()).toMatchObject({ state: 'ready', restarts: 0 })
  })

  it('is cancelled while it works and while it waits', async () => {
    const { supervisor, folder } = start({ maxInFlight: 1 })
    await supervisor.settled()
    const first = new AbortController()
    const second = new AbortController()
    const working = supervisor.call('packets.tensor', tensor('until-cancelled'), { signal: first.signal })
    const waiting = supervisor.call('packets.tensor', tensor('until-cancelled'), { signal: second.signal })
    expect(supervisor.health()).toMatchObject({ inFlight: 1, waiting: 1 })
    second.abort()
    expect(await waiting).toMatchObject({ error: { code: 'E_CANCELLED' } })
    first.abort()
    expect(await working).toMatchObject({ error: { code: 'E_CANCELLED' } })
    expect(readFileSync(`${folder}/cancelled`, 'utf8')).toBe('x')
    expect(supervisor.health()).toMatchObject({ inFlight: 0, waiting: 0 })
  })

  it('keeps what waits bounded: one call more is refused, and room comes back', async () => {
    const { supervisor } = start({ maxInFlight: 2, maxWaiting: 3 })
    await supervisor.settled()
    const cancel = new AbortController()
    const calls = Array.from({ length: 5 }, () =>
      supervisor.call('packets.tensor', tensor('until-cancelled'), { signal: cancel.signal }),
    )
    expect(await supervisor.call('library.gc', {}, {})).toMatchObject({ error: { code: 'E_BUSY' } })
    cancel.abort()
    await Promise.all(calls)
    expect(await supervisor.call('library.gc', {}, {})).toMatchObject({ ok: true })
  })

  it('is ended and started again when it stops answering, and what it worked on is told so', async () => {
    const { supervisor, children } = start({ patience: 5000 })
    await supervisor.settled()
    const lost = await supervisor.call('packets.tensor', tensor('block', 600_000), {})
    expect(lost).toMatchObject({ error: { code: 'E_ENGINE_DOWN', details: { method: 'packets.tensor' } } })
    expect(!lost.ok && lost.error.message).toMatch(/did not answer/)
    // On a machine that is busy enough, the next one may be taken for dead, too.
    await expect.poll(() => supervisor.call('library.gc', {}, {})).toMatchObject({ ok: true })
    expect(children.length).toBeGreaterThan(1)
    expect(supervisor.health()).toMatchObject({ state: 'ready', restarts: children.length - 1 })
  })

  it('does not make its host wait: health is known while the engine is blocked', async () => {
    const { supervisor } = start()
    await supervisor.settled()
    let answered = false
    const blocked = supervisor.call('packets.tensor', tensor('block', 400), {}).then(() => {
      answered = true
    })
    expect(supervisor.health()).toMatchObject({ state: 'ready', inFlight: 1 })
    await new Promise(resolve => setImmediate(resolve))
    expect(answered).toBe(false)
    await blocked
  })

  it('comes back after a crash: calls in flight fail with what happened, waiting ones are answered', async () => {
    const { supervisor, children } = start({ maxInFlight: 2 })
    await supervisor.settled()
    const states: string[] = []
    supervisor.subscribe((name, data) => name === 'engine.status' && states.push((data as { state: string }).state))
    const lost = supervisor.call('packets.tensor', tensor('until-cancelled'), {})
    const crash = supervisor.call('packets.tensor', tensor('crash'), {})
    const kept = supervisor.call('library.gc', {}, {})
    expect(await crash).toMatchObject({
      error: {
        code: 'E_ENGINE_DOWN',
        message: expect.stringContaining('exit code 3'),
        details: { method: 'packets.tensor' },
      },
    })
    expect(await lost).toMatchObject({ error: { code: 'E_ENGINE_DOWN' } })
    expect(await kept).toMatchObject({ ok: true })
    expect(states).toEqual(['restarting', 'ready'])
    expect(children).toHaveLength(2)
    expect(supervisor.health()).toMatchObject({ state: 'ready', restarts: 1 })
  })

  it('survives kill -9, and says which signal it was', async () => {
    const { supervisor, children } = start()
    await supervisor.settled()
    const call = supervisor.call('packets.tensor', tensor('until-cancelled'), {})
    process.kill(children[0]?.pid ?? 0, 'SIGKILL')
    expect(await call).toMatchObject({ error: { code: 'E_ENGINE_DOWN', message: expect.stringContaining('SIGKILL') } })
    expect(await supervisor.call('library.gc', {}, {})).toMatchObject({ ok: true })
  })

  it('gives up after crashes in a row, and tries again when somebody calls', async () => {
    const { supervisor, children } = start({}, 'crash-at-start')
    expect(await supervisor.call('library.gc', {}, {})).toMatchObject({
      error: { code: 'E_ENGINE_DOWN', message: expect.stringContaining('exit code 7') },
    })
    expect(supervisor.health()).toMatchObject({ state: 'failed', reason: expect.stringContaining('3 times') })
    expect(children).toHaveLength(3)
    const again = supervisor.call('library.gc', {}, {})
    await until(() => children.length > 3)
    expect(await again).toMatchObject({ error: { code: 'E_ENGINE_DOWN' } })
  })

  it('passes on why an engine cannot be opened, and does not start it in a loop', async () => {
    const { supervisor, children } = start({}, 'refuse')
    expect(await supervisor.call('library.gc', {}, {})).toMatchObject({ error: { code: 'E_STORE_UNREADABLE' } })
    expect(await supervisor.settled()).toMatchObject({ state: 'failed', reason: 'The store cannot be read.' })
    expect(children).toHaveLength(1)
  })

  it('hands on events in their order, in one message behind the answer', async () => {
    const { supervisor, children } = start()
    await supervisor.settled()
    const heard: string[] = []
    children[0]?.onMessage(({ kind }) => kind === 'alive' || heard.push(kind))
    const told: unknown[] = []
    supervisor.subscribe((...event) => told.push(event))
    await supervisor.call('savings.reset', {}, {})
    await until(() => told.length === 2)
    expect(told).toEqual([
      ['savings.changed', {}],
      ['library.changed', { packetIds: ['a'] }],
    ])
    expect(heard).toEqual(['result', 'events'])
  })

  it('lets go of its files when the host closes, and leaves no process', async () => {
    const { supervisor, folder, children } = start()
    await supervisor.settled()
    const call = supervisor.call('packets.tensor', tensor('until-cancelled'), {})
    await supervisor.dispose()
    expect(await call).toMatchObject({ error: { code: 'E_ENGINE_DOWN' } })
    expect(existsSync(`${folder}/disposed`)).toBe(true)
    expect(() => process.kill(children[0]?.pid ?? 0, 0)).toThrow()
    expect(await supervisor.call('library.gc', {}, {})).toMatchObject({ error: { code: 'E_ENGINE_DOWN' } })
  })
})
