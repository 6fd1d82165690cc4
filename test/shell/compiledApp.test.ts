/**
 * The compiled main process and preload script against a STAND-IN for the `electron` module (standIn/electron.ts) whose
 * windows are real Chromium pages: wiring errors fail here on machines that have no Electron binary.
 */
import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshBuild } from '../../scripts/freshBuild.mjs'
import type { Ask } from './standIn/register.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'statepack-shell-'))

/** Starts the compiled app as `electron .` would; `engine` replaces the engine process's entry. */
function startApp(engine?: string) {
  const child = fork(join(root, 'out', 'main', 'main.js'), [], {
    cwd: root,
    execArgv: ['--import', join(import.meta.dirname, 'standIn', 'register.ts')],
    env: { ...process.env, STATEPACK_HOME: folder, ...(engine === undefined ? {} : { STAND_IN_ENGINE: engine }) },
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let nextId = 1
  child.on('message', message => {
    const { id, value, error } = message as { id: number; value?: unknown; error?: string }
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) asked?.resolve(value)
    else asked?.reject(new Error(error))
  })
  const ended = new Promise<number | null>(done =>
    child.on('exit', code => {
      for (const asked of waiting.values()) asked.reject(new Gone(`The app ended with exit code ${code}.`))
      waiting.clear()
      done(code)
    }),
  )
  const ask = (message: Ask): Promise<unknown> => {
    const asked = Promise.withResolvers<unknown>()
    const id = nextId++
    waiting.set(id, asked)
    if (child.connected) child.send({ id, ...message })
    else asked.reject(new Gone('The app has ended.'))
    return asked.promise
  }
  /** Evaluates an expression in the page; promises are waited for. */
  const inPage = (script: string, index = 0) => ask({ ask: 'page', index, script })
  const state = () => ask({ ask: 'state' }) as Promise<AppState>
  return { child, ended, ask, inPage, state }
}

class Gone extends Error {}

interface AppState {
  readonly windows: number
  readonly windowOptions: readonly { readonly webPreferences: Record<string, unknown> }[]
  readonly dialogs: readonly string[]
  readonly opened: readonly string[]
  readonly privileges: readonly unknown[]
  readonly sandboxed: boolean
  readonly engines: readonly number[]
  readonly handlers: readonly string[]
  readonly userData: string
}

async function until<T>(read: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read().catch((thrown: unknown) => {
      if (thrown instanceof Gone) throw thrown
      return undefined as T
    })
    if (value !== undefined && good(value)) return value
    await new Promise(done => setTimeout(done, 30))
  }
}

/** Collects what the bridge hands the page, under window.seen. */
const LISTEN = `window.seen = []; for (const kind of ['event', 'open', 'progress'])
  window.statepack.subscribe(kind, m => window.seen.push(m)); true`

describe('the compiled app, against a stand-in for electron', () => {
  let app: ReturnType<typeof startApp>
  beforeAll(async () => {
    await freshBuild(root)
    app = startApp(join(root, 'test/hosts/engineProcess/childEngine.ts'))
    await until(app.state, state => state.windows === 1)
    await until(
      () => app.inPage('document.readyState'),
      ready => ready === 'complete',
    )
    await app.inPage(LISTEN)
  })
  afterAll(() => {
    app.child.kill('SIGKILL')
  })
  const call = (id: number, method: string, input: string, index = 0) =>
    app.inPage(`window.statepack.call(${id}, ${JSON.stringify(method)}, ${input})`, index)

  it('opens its own page in a window with every security setting, after sandboxing everything', async () => {
    const state = await app.state()
    expect(state.sandboxed).toBe(true)
    expect(state.privileges).toEqual([
      { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
    ])
    expect(state.handlers).toEqual(['check', 'device', 'request'])
    expect(state.windowOptions[0]?.webPreferences).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
    })
    expect(await app.inPage('document.querySelector("#root") !== null')).toBe(true)
    expect(await app.inPage('typeof require + typeof process + typeof module')).toBe('undefinedundefinedundefined')
    expect(await app.inPage('Object.keys(window.statepack).sort().join()')).toBe('call,pathOf,post,subscribe')
  })

  it('calls the engine through preload and main, typed arrays included, with progress and cancel', async () => {
    expect(await call(1000, 'library.gc', '{}')).toMatchObject({ ok: true })
    const sum = `window.statepack.call(1001, 'packets.tensor', { ref: 'progress', tensor: 'key', layer: 60 })
      .then(r => ({ ok: r.ok, type: r.data.values.constructor.name, length: r.data.values.length, third: r.data.values[1] }))`
    expect(await app.inPage(sum)).toMatchObject({ ok: true, type: 'Float32Array', length: 60 })
    await until(
      () => app.inPage('window.seen.filter(m => m.kind === "progress" && m.id === 1001).length'),
      count => count === 60,
    )
    const cancelled = app.inPage(`(() => {
      const running = window.statepack.call(1002, 'packets.tensor', { ref: 'until-cancelled', tensor: 'key', layer: 1 })
      setTimeout(() => window.statepack.post({ kind: 'cancel', id: 1002 }), 50)
      return running
    })()`)
    expect(await cancelled).toMatchObject({ ok: false, error: { code: 'E_CANCELLED' } })
    expect(await call(1003, 'no.such', '{}')).toMatchObject({ ok: false, error: { code: 'E_NOT_FOUND' } })
  })

  it('gives the engine a key for secrets, which it keeps encrypted by safeStorage', async () => {
    expect(await call(1005, 'savings.providerKey', '{}')).toMatchObject({ ok: true, data: { where: 'os-key-store' } })
    const file = join((await app.state()).userData, 'secret.key')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file).length).toBeGreaterThan(44)
  })

  it('shows a crash of the engine to the page and recovers', async () => {
    const running = call(1010, 'packets.tensor', '{ ref: "until-cancelled", tensor: "key", layer: 1 }')
    await new Promise(done => setTimeout(done, 100))
    await app.ask({ ask: 'kill-engine' })
    expect(await running).toMatchObject({ ok: false, error: { code: 'E_ENGINE_DOWN' } })
    const states = () =>
      app.inPage('window.seen.filter(m => m.name === "engine.status").map(m => m.data.state).join()') as Promise<string>
    await until(states, seen => seen.endsWith('restarting,ready'))
    expect(await call(1011, 'library.gc', '{}')).toMatchObject({ ok: true })
    expect((await app.state()).engines).toHaveLength(2)
  })

  it('keeps two windows in step, and a menu entry reaches the one in front', async () => {
    await app.ask({ ask: 'menu', label: 'New window' })
    await until(app.state, state => state.windows === 2)
    await until(
      () => app.inPage('document.readyState', 1),
      ready => ready === 'complete',
    )
    await until(
      () => app.inPage(LISTEN, 1),
      done => done === true,
    )
    await call(1020, 'savings.reset', '{}')
    for (const index of [0, 1]) {
      await until(
        () => app.inPage('window.seen.some(m => m.name === "savings.changed")', index),
        seen => seen === true,
      )
    }
    await app.ask({ ask: 'menu', label: 'New cartridge' })
    await until(
      () => app.inPage('JSON.stringify(window.seen.filter(m => m.kind === "open"))', 1),
      seen => seen === '[{"kind":"open","request":{"kind":"go","route":"/new"}}]',
    )
  })

  it('opens a file and a link for review only, and says when a file cannot be opened', async () => {
    const file = join(folder, 'a.cartridge')
    writeFileSync(file, new Uint8Array([7, 8, 9]))
    await app.ask({ ask: 'open-file', file })
    const link = 'statepack://import?from=https%3A%2F%2Fexample.com%2Fb.cartridge'
    await app.ask({
      ask: 'second-instance',
      args: ['electron', '.', link, 'statepack://delete?from=https://example.com'],
    })
    const requests = `JSON.stringify(window.seen.filter(m => m.kind === 'open' && m.request.kind.startsWith('review'))
      .map(m => [m.request.kind, m.request.link ?? null, m.request.file ?? null]))`
    await until(
      () => app.inPage(requests, 1) as Promise<string>,
      seen => JSON.parse(seen).length === 2,
    )
    expect(JSON.parse((await app.inPage(requests, 1)) as string)).toEqual(
      expect.arrayContaining([
        ['review', null, { name: 'a.cartridge', size: 3, path: file }],
        ['review-link', 'https://example.com/b.cartridge', null],
      ]),
    )
    // The menu's Import opens the system's dialog; what is chosen there is reviewed like the rest.
    writeFileSync(join(folder, 'c.cartridge'), Uint8Array.of(4, 5))
    await app.ask({ ask: 'choose', files: [join(folder, 'c.cartridge')] })
    await app.ask({ ask: 'menu', label: 'Import a .cartridge file…' })
    const seen = await until(
      () => app.inPage(requests, 1) as Promise<string>,
      now => JSON.parse(now).length === 3,
    )
    expect(JSON.parse(seen)[2]).toEqual([
      'review',
      null,
      { name: 'c.cartridge', size: 2, path: join(folder, 'c.cartridge') },
    ])
    await app.ask({ ask: 'open-file', file: join(folder, 'missing.cartridge') })
    await until(app.state, state => state.dialogs.some(text => text.includes('missing.cartridge cannot be opened')))
  })

  it('goes nowhere else, loads nothing else, and asks before a link leaves', async () => {
    expect(await app.inPage(`fetch('https://example.com/').then(() => 'loaded', () => 'blocked')`)).toBe('blocked')
    await app.inPage(`void setTimeout(() => { location.href = 'https://example.com/' })`)
    await new Promise(done => setTimeout(done, 200))
    expect(await app.inPage('document.querySelector("#root") !== null')).toBe(true)
    expect(await app.ask({ ask: 'window-open', url: 'https://example.com/page' })).toEqual({ action: 'deny' })
    expect(await app.ask({ ask: 'window-open', url: 'file:///etc/passwd' })).toEqual({ action: 'deny' })
    const state = await until(app.state, now => now.dialogs.includes('https://example.com/page'))
    expect(state.dialogs.filter(text => text.includes('passwd'))).toEqual([])
    expect(state.opened).toEqual([])
  })

  it('reloads a page that crashed, and cancels what it had asked', async () => {
    await until(
      () => app.inPage('window.seen !== undefined', 1),
      marked => marked === true,
    )
    // The answer goes nowhere: its page is gone.
    const lost = call(1040, 'packets.tensor', '{ ref: "until-cancelled", tensor: "key", layer: 1 }', 1).catch(
      () => null,
    )
    await new Promise(done => setTimeout(done, 100))
    await app.ask({ ask: 'page-crashed' })
    await until(
      () => app.inPage('window.seen === undefined && window.statepack !== undefined', 1),
      reloaded => reloaded === true,
    )
    await lost
    expect(await call(1041, 'library.gc', '{}', 1)).toMatchObject({ ok: true })
  })

  it('ends with its last window, after the engine let go', async () => {
    const { engines } = await app.state()
    await app.ask({ ask: 'close-all' }).catch(() => {})
    expect(await app.ended).toBe(0)
    for (const pid of engines) expect(() => process.kill(pid, 0)).toThrow()
  })
})

describe('the stand-in itself', () => {
  it('throws on every member it does not implement, so that a wrong call cannot pass', async () => {
    const { strict } = await import('./standIn/strict.ts')
    const { StrictEmitter } = await import('./standIn/emitter.ts')
    const thing = strict('app', { quit: () => {} }) as { quit(): void; relaunch?: () => void }
    expect(() => thing.relaunch?.()).toThrow('no app.relaunch')
    expect(() => thing.quit()).not.toThrow()
    expect(() => new StrictEmitter('app', ['activate']).on('activated', () => {})).toThrow('never emits')
  })
})
