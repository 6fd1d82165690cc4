/**
 * A STAND-IN for the `electron` module, for machines without Electron's binary: the compiled main process runs against
 * it, its windows are real Chromium pages. It implements what the shell uses, satisfies Electron's own types there, and
 * throws on everything else. What it cannot show: Electron's own enforcement (sandbox, isolation, fuses).
 */
import { fork } from 'node:child_process'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from '@playwright/test'
import type * as E from 'electron'
import { launchChromium } from '../../e2e/chromium.ts'
import { preventable, StrictEmitter } from './emitter.ts'
import { deliver, openPage, showIn, toOwn } from './page.ts'
import { strict } from './strict.ts'

/** What a test looks at and acts on from outside. */
export const record = {
  pages: [] as Page[],
  windowOptions: [] as E.BrowserWindowConstructorOptions[],
  engines: [] as { pid: number | undefined; kill(): void }[],
  menu: [] as E.MenuItemConstructorOptions[],
  dialogs: [] as string[],
  /** What a person chooses in the next dialog for files. */
  chosen: [] as string[],
  opened: [] as string[],
  permissions: {} as Record<string, unknown>,
  privileges: [] as E.CustomScheme[],
  sandboxed: false,
  userData: mkdtempSync(join(tmpdir(), 'statepack-userdata-')),
}

let browser: Promise<Browser> | null = null
const theBrowser = () => {
  browser ??= launchChromium().then(found => found.browser)
  return browser
}

type AppHandler = (request: Request) => Response | Promise<Response>
let appHandler: AppHandler = () => new Response(null, { status: 404 })
let beforeRequest: ((details: { url: string }, answer: (verdict: { cancel?: boolean }) => void) => void) | null = null

const appEvents = new StrictEmitter('app', [
  'open-file',
  'open-url',
  'activate',
  'second-instance',
  'window-all-closed',
  'will-quit',
  'web-contents-created',
])

let quitting = false
const appMembers = {
  isPackaged: false,
  enableSandbox: () => {
    record.sandboxed = true
  },
  requestSingleInstanceLock: () => true,
  setAsDefaultProtocolClient: () => true,
  whenReady: () => theBrowser().then(() => {}),
  getPath: name => {
    if (name !== 'userData') throw new Error(`The stand-in for electron has no app.getPath('${name}')`)
    return record.userData
  },
  quit: () => {
    const event = preventable({})
    if (!quitting) appEvents.tell('will-quit', event)
    if (event.defaultPrevented) quitting = true
    else
      void theBrowser().then(async open => {
        await open.close()
        process.exit(0)
      })
  },
  exit: code => process.exit(code ?? 0),
} satisfies Partial<E.App>
export const app = strict('app', Object.assign(appEvents, appMembers))

const handlers = new Map<string, (event: unknown, ...args: unknown[]) => unknown>()
const receivers = new Map<string, (event: unknown, ...args: unknown[]) => void>()
export const ipcMain = strict('ipcMain', {
  handle: (channel, listener) => void handlers.set(channel, listener as never),
  on(channel: string, listener: (event: E.IpcMainEvent, ...args: never[]) => void) {
    receivers.set(channel, listener as never)
    return this as unknown as E.IpcMain
  },
} satisfies Pick<E.IpcMain, 'handle' | 'on'>)

class WebContents extends StrictEmitter {
  readonly #page: () => Promise<Page>
  readonly mainFrame = { url: 'about:blank' }
  gone = false
  windowOpen: (details: { url: string }) => { action: string } = () => ({ action: 'allow' })

  constructor(page: () => Promise<Page>) {
    super('webContents', [
      'did-start-navigation',
      'render-process-gone',
      'will-navigate',
      'will-redirect',
      'will-frame-navigate',
      'will-attach-webview',
    ])
    this.#page = page
  }

  isDestroyed(): boolean {
    return this.gone
  }

  send(channel: string, message: unknown): void {
    // Cloned at once, as Electron does; sent in order.
    const copy = structuredClone(message)
    void this.#page().then(page => deliver(page, channel, copy))
  }

  reload(): void {
    void this.#page()
      .then(page => page.reload())
      .catch(() => {})
  }

  setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
    this.windowOpen = handler
  }
}

const windows: BrowserWindow[] = []
export class BrowserWindow extends StrictEmitter {
  static getFocusedWindow(): BrowserWindow | null {
    return windows.at(-1) ?? null
  }

  readonly webContents: WebContents
  readonly #options: E.BrowserWindowConstructorOptions
  #page: Promise<Page> | null = null

  constructor(options: E.BrowserWindowConstructorOptions) {
    super('BrowserWindow', ['ready-to-show', 'close', 'closed'])
    this.#options = options
    record.windowOptions.push(options)
    const contents = new WebContents(() => this.#open())
    this.webContents = strict('webContents', contents)
    const self = strict('BrowserWindow', this as BrowserWindow)
    windows.push(self)
    appEvents.tell('web-contents-created', preventable({}), this.webContents)
    // biome-ignore lint/correctness/noConstructorReturn: an instance is as strict as the rest of the stand-in
    return self
  }

  #open(): Promise<Page> {
    this.#page ??= this.#openPage()
    return this.#page
  }

  async #openPage(): Promise<Page> {
    const contents = this.webContents
    const { width = 800, height = 600, webPreferences } = this.#options
    const event = () => ({ sender: contents, senderFrame: contents.mainFrame })
    const page: Page = await openPage(
      await theBrowser(),
      webPreferences?.preload ?? '',
      { width, height },
      {
        handle: request => appHandler(request),
        mayLoad: url => {
          let cancelled = false
          beforeRequest?.({ url }, ({ cancel }) => {
            cancelled = cancel === true
          })
          return !cancelled
        },
        mayNavigate: url => {
          const details = preventable({ url })
          contents.tell('will-navigate', details)
          return !details.defaultPrevented
        },
        navigationStarted: () => contents.tell('did-start-navigation', { isMainFrame: true, isSameDocument: false }),
        invoke: async (channel, args) => {
          contents.mainFrame.url = toOwn(page.url())
          const handler = handlers.get(channel)
          if (handler === undefined) throw new Error(`No handler registered for '${channel}'`)
          return handler(event(), ...args)
        },
        send: (channel, args) => {
          contents.mainFrame.url = toOwn(page.url())
          receivers.get(channel)?.(event(), ...args)
        },
        crashed: () => contents.tell('render-process-gone', {}, { reason: 'crashed', exitCode: 1 }),
      },
    )
    page.on('popup', popup => void popup.close())
    await page.exposeFunction('standInOpen', (url: string) => contents.windowOpen({ url }).action)
    record.pages.push(page)
    return page
  }

  async loadURL(url: string): Promise<void> {
    await showIn(await this.#open(), url)
    this.tell('ready-to-show')
  }

  show(): void {}
  focus(): void {}
  maximize(): void {}
  restore(): void {}
  isMinimized(): boolean {
    return false
  }
  isMaximized(): boolean {
    return false
  }
  getNormalBounds() {
    const { width = 800, height = 600 } = this.#options
    return { x: 10, y: 10, width, height }
  }

  /** What a person does with the window's own button. */
  async close(): Promise<void> {
    this.tell('close', preventable({}))
    this.webContents.gone = true
    windows.splice(
      windows.findIndex(window => window.webContents === this.webContents),
      1,
    )
    await (await this.#open()).context().close()
    this.tell('closed')
    if (windows.length === 0) appEvents.tell('window-all-closed')
  }
}

export const dialog = strict('dialog', {
  showErrorBox: (title, content) => void record.dialogs.push(`${title}: ${content}`),
  showMessageBox: async (options: unknown) => {
    record.dialogs.push((options as E.MessageBoxOptions).detail ?? '')
    return { response: 1, checkboxChecked: false }
  },
  showOpenDialog: async () => ({ canceled: record.chosen.length === 0, filePaths: record.chosen.splice(0) }),
} satisfies Partial<E.Dialog>)

export const Menu = strict('Menu', {
  buildFromTemplate: (template: E.MenuItemConstructorOptions[]) => template as unknown as E.Menu,
  setApplicationMenu: (menu: E.Menu | null) => {
    record.menu = menu as unknown as E.MenuItemConstructorOptions[]
  },
} satisfies Partial<typeof E.Menu>)

export const nativeTheme = strict('nativeTheme', { shouldUseDarkColors: false } satisfies Partial<E.NativeTheme>)

export const protocol = strict('protocol', {
  registerSchemesAsPrivileged: schemes => void record.privileges.push(...schemes),
  handle: (scheme, handler) => {
    if (scheme !== 'app') throw new Error(`The stand-in for electron serves only app:, not ${scheme}:`)
    appHandler = handler as unknown as AppHandler
  },
} satisfies Partial<E.Protocol>)

/** Real encryption, under a key that only this process has: what it cannot show is the operating system's key store. */
const osKey = randomBytes(32)
export const safeStorage = strict('safeStorage', {
  isEncryptionAvailable: () => true,
  getSelectedStorageBackend: () => 'gnome_libsecret',
  encryptString: plain => {
    const iv = randomBytes(16)
    const cipher = createCipheriv('aes-256-cbc', osKey, iv)
    return Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final()])
  },
  decryptString: encrypted => {
    const decipher = createDecipheriv('aes-256-cbc', osKey, encrypted.subarray(0, 16))
    return Buffer.concat([decipher.update(encrypted.subarray(16)), decipher.final()]).toString('utf8')
  },
} satisfies Partial<E.SafeStorage>)

export const screen = strict('screen', {
  getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } } as E.Display],
} satisfies Partial<E.Screen>)

const sessionEvents = new StrictEmitter('session', ['will-download'])
const sessionMembers = {
  setPermissionRequestHandler: handler => {
    record.permissions.request = handler
  },
  setPermissionCheckHandler: handler => {
    record.permissions.check = handler
  },
  setDevicePermissionHandler: handler => {
    record.permissions.device = handler
  },
  webRequest: strict('webRequest', {
    onBeforeRequest: (listener: unknown) => {
      beforeRequest = listener as typeof beforeRequest
    },
  }) as unknown as E.WebRequest,
} satisfies Partial<E.Session>
export const session = strict('session', {
  defaultSession: strict('session', Object.assign(sessionEvents, sessionMembers)),
})

export const shell = strict('shell', {
  openExternal: async url => void record.opened.push(url),
} satisfies Partial<E.Shell>)

/** A forked Node process with a `process.parentPort` like a utility process has. */
export const utilityProcess = strict('utilityProcess', {
  fork: (file: string, args: string[] = []) => {
    const port = join(import.meta.dirname, 'parentPort.ts')
    const child = fork(process.env.STAND_IN_ENGINE ?? file, args, {
      serialization: 'advanced',
      execArgv: ['--import', port],
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    const events = new StrictEmitter('utilityProcess', ['message', 'exit'])
    child.on('message', message => events.tell('message', message))
    child.on('exit', code => events.tell('exit', code ?? 9))
    record.engines.push({ pid: child.pid, kill: () => child.kill('SIGKILL') })
    return strict(
      'utilityProcess',
      Object.assign(events, {
        pid: child.pid,
        postMessage: (message: unknown) => void (child.connected && child.send(message as never, () => {})),
        kill: () => child.kill(),
      }),
    )
  },
})
