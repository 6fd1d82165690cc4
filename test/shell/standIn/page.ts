/** The page side of the stand-in: a real Chromium page that shows `app://studio/` and runs the compiled preload script. */
import { readFileSync } from 'node:fs'
import type { Browser, Page } from '@playwright/test'

/** Chromium alone has no schemes of our own: `app://studio` is shown under this origin, and translated both ways. */
const SHOWN = 'https://studio.stand-in.test'
const OWN = 'app://studio'

export const toOwn = (url: string) => (url.startsWith(SHOWN) ? OWN + url.slice(SHOWN.length) : url)
const toShown = (url: string) => (url.startsWith(`${OWN}/`) ? SHOWN + url.slice(OWN.length) : url)

export interface PageHooks {
  /** Answers a request for the app scheme, as the handler that main registered does. */
  readonly handle: (request: Request) => Response | Promise<Response>
  /** False cancels the request, as the session's onBeforeRequest does. */
  readonly mayLoad: (url: string) => boolean
  /** False prevents the navigation, as will-navigate does. Not asked for the first page. */
  readonly mayNavigate: (url: string) => boolean
  readonly navigationStarted: () => void
  readonly invoke: (channel: string, args: unknown[]) => Promise<unknown>
  readonly send: (channel: string, args: unknown[]) => void
  readonly crashed: () => void
}

/** Runs in the page before anything of its own: gives the compiled preload the two modules it may ask for. */
function preloadHost(): void {
  const listeners = new Map<string, Set<(event: object, ...args: unknown[]) => void>>()
  const bound = globalThis as unknown as {
    standInInvoke(channel: string, args: unknown[]): Promise<unknown>
    standInSend(channel: string, args: unknown[]): Promise<void>
    standInDeliver(channel: string, message: unknown): void
    standInRequire(name: string): unknown
  }
  const invoke = bound.standInInvoke.bind(null)
  const send = bound.standInSend.bind(null)
  const only = <T extends object>(name: string, members: T): T =>
    new Proxy(members, {
      get(target, key) {
        if (typeof key === 'symbol' || key in target) return Reflect.get(target, key)
        throw new Error(`The stand-in for electron has no ${name}.${key}`)
      },
    })
  const ipcRenderer = only('ipcRenderer', {
    invoke: (channel: string, ...args: unknown[]) => invoke(channel, args),
    send: (channel: string, ...args: unknown[]) => void send(channel, args),
    on: (channel: string, listener: (event: object, ...args: unknown[]) => void) => {
      const known = listeners.get(channel) ?? new Set()
      listeners.set(channel, known.add(listener))
    },
    removeListener: (channel: string, listener: (event: object, ...args: unknown[]) => void) => {
      listeners.get(channel)?.delete(listener)
    },
  })
  const contextBridge = only('contextBridge', {
    exposeInMainWorld: (name: string, api: object) => {
      Object.defineProperty(globalThis, name, { value: Object.freeze(api), enumerable: true })
    },
  })
  bound.standInDeliver = (channel, message) => {
    for (const listener of [...(listeners.get(channel) ?? [])]) listener({}, message)
  }
  bound.standInRequire = name => {
    if (name !== 'electron') throw new Error(`A sandboxed preload cannot require ${name}`)
    return only('electron (preload)', { ipcRenderer, contextBridge })
  }
}

/** Opens a page that behaves like a window's: same origin rules, same preload, requests answered by `hooks`. */
export async function openPage(
  browser: Browser,
  preload: string,
  viewport: { readonly width: number; readonly height: number },
  hooks: PageHooks,
): Promise<Page> {
  const context = await browser.newContext({ viewport })
  const page = await context.newPage()
  await page.exposeFunction('standInInvoke', hooks.invoke)
  await page.exposeFunction('standInSend', (channel: string, args: unknown[]) => hooks.send(channel, args))
  const compiled = readFileSync(preload, 'utf8')
  await page.addInitScript(`(${preloadHost})();\n((require) => {\n${compiled}\n})(globalThis.standInRequire)`)
  page.on('crash', hooks.crashed)
  let first = true
  await page.route('**/*', async route => {
    const request = route.request()
    const url = toOwn(request.url())
    const isNavigation = request.isNavigationRequest() && request.frame() === page.mainFrame()
    // No content: the page stays where it is, as after a prevented navigation.
    if (isNavigation && !first && !hooks.mayNavigate(url)) return route.fulfill({ status: 204 })
    if (!hooks.mayLoad(url) || !url.startsWith(`${OWN}/`)) return route.abort()
    if (isNavigation) {
      first = false
      hooks.navigationStarted()
    }
    const response = await hooks.handle(new Request(url, { method: request.method() }))
    await route.fulfill({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    })
  })
  return page
}

export const showIn = (page: Page, url: string) => page.goto(toShown(url))

/** Hands a message from main to the preload script. A page that is just going away misses it, as in Electron. */
export async function deliver(page: Page, channel: string, message: unknown): Promise<void> {
  await page
    .evaluate(
      ([to, what]) =>
        (globalThis as unknown as { standInDeliver(c: unknown, m: unknown): void }).standInDeliver(to, what),
      [channel, message] as const,
    )
    .catch(() => {})
}
