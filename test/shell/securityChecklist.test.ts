/**
 * Electron's security checklist (https://www.electronjs.org/docs/latest/tutorial/security), one assertion a point, over
 * the builders the shell makes its windows, sessions and packages from, and over the compiled preload script.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { contentSecurityPolicy, pageHeaders } from '#hosts/loopback/pageHeaders.ts'
import { APP_SCHEME, createAppHandler, isOwnPage } from '../../electron/shell/appScheme.ts'
import { externalLink, mayDownload, mayLoad, mayNavigate } from '../../electron/shell/navigationPolicy.ts'
import { mayUse } from '../../electron/shell/permissionPolicy.ts'
import { windowOptions } from '../../electron/shell/windowOptions.ts'
import { DEFAULT_STATE } from '../../electron/shell/windowState.ts'
import { freshBuild } from '../../scripts/freshBuild.mjs'

const root = resolve(import.meta.dirname, '../..')
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')
const shellFiles = readdirSync(join(root, 'electron/shell')).map(name => [name, read('electron/shell', name)] as const)
const shell = shellFiles.map(([, text]) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')).join('\n')

const options = windowOptions({ preload: '/p.cjs', icon: undefined, state: DEFAULT_STATE, dark: false, packaged: true })
const { webPreferences } = options

/** Addresses that are not the Studio's page, though some look like it. */
const FOREIGN = [
  'https://example.com/',
  'http://127.0.0.1:3000/',
  'app://evil/',
  'app://studio.evil/',
  'app://studio:80/',
  'app://user@studio/',
  'app:studio',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'blob:https://example.com/1',
  'statepack://review?from=https://example.com',
  'about:blank',
  'devtools://devtools/',
  '',
  'not an address',
]

beforeAll(() => freshBuild(root))

describe('Electron security checklist', () => {
  it('1. loads only secure content: nothing but its own files', () => {
    expect(FOREIGN.filter(mayLoad)).toEqual([])
    expect(mayLoad('app://studio/assets/index.js')).toBe(true)
    expect(shell).not.toMatch(/loadURL\((?!`\$\{APP_ORIGIN\})/)
    expect(shell).not.toMatch(/\bloadFile\b/)
  })

  it('2. no Node.js in pages', () => {
    expect(webPreferences).toMatchObject({
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
    })
  })

  it('3. context isolation', () => expect(webPreferences.contextIsolation).toBe(true))

  it('4. process sandboxing, for every process', () => {
    expect(webPreferences.sandbox).toBe(true)
    expect(shell).toMatch(/app\.enableSandbox\(\)/)
    expect(shell).not.toMatch(/no-sandbox/)
  })

  it('5. permission requests are answered, with no', () => {
    const permissions = [
      'clipboard-read',
      'geolocation',
      'media',
      'notifications',
      'openExternal',
      'fullscreen',
      'fileSystem',
      'usb',
      'serial',
      'hid',
      'display-capture',
      'unknown',
    ]
    expect(permissions.filter(permission => mayUse(permission, 'app://studio/'))).toEqual([])
    expect(mayUse('clipboard-sanitized-write', 'app://studio/')).toBe(true)
    expect(FOREIGN.filter(from => mayUse('clipboard-sanitized-write', from))).toEqual([])
    for (const name of ['setPermissionRequestHandler', 'setPermissionCheckHandler', 'setDevicePermissionHandler']) {
      expect(shell).toContain(name)
    }
  })

  it('6. web security stays on', () => expect(webPreferences.webSecurity).toBe(true))

  it('7. a Content-Security-Policy that starts from nothing', () => {
    const policy = contentSecurityPolicy()
    expect(policy).toMatch(/^default-src 'none';/)
    expect(policy).not.toMatch(/unsafe|\*|http:|https:/)
    for (const [path, status] of [
      ['app://studio/', 200],
      ['app://studio/no/such.js', 404],
    ] as const) {
      const asset = { bytes: new Uint8Array(), type: 'text/html', immutable: false }
      const handler = createAppHandler({ find: p => (p === '/' ? asset : null) })
      const response = handler(new Request(path))
      expect(response.status).toBe(status)
      for (const [name, value] of Object.entries(pageHeaders())) expect(response.headers.get(name)).toBe(value)
    }
  })

  it('8. no mixed content', () => expect(webPreferences.allowRunningInsecureContent).toBe(false))

  it('9. no experimental features', () => expect(webPreferences.experimentalFeatures).toBe(false))

  it('10. no blink features switched on', () => {
    expect(Object.keys(webPreferences)).not.toContain('enableBlinkFeatures')
    expect(shell).not.toMatch(/appendSwitch|enableBlinkFeatures/)
  })

  it('11. no webview, so no pop-ups from one', () => {
    expect(webPreferences.webviewTag).toBe(false)
    expect(shell).not.toMatch(/allowpopups/)
  })

  it('12. a webview that is attached all the same is refused', () => {
    expect(shell).toMatch(/'will-attach-webview', event => event\.preventDefault\(\)/)
  })

  it('13. navigation stays on the page', () => {
    expect(FOREIGN.filter(mayNavigate)).toEqual([])
    expect(mayNavigate('app://studio/index.html#/library')).toBe(true)
    for (const event of ['will-navigate', 'will-redirect', 'will-frame-navigate']) expect(shell).toContain(`'${event}'`)
    expect(webPreferences.navigateOnDragDrop).toBe(false)
  })

  it('14. no new windows from a page', () => {
    expect(shell).toMatch(/setWindowOpenHandler\([\s\S]{0,120}action: 'deny'/)
    expect(shell).not.toMatch(/action: 'allow'/)
  })

  it('15. links leave through one door: https only, and only after a person saw the address', () => {
    const uses = shellFiles.filter(([, text]) => text.includes('shell.openExternal('))
    expect(uses.map(([name]) => name)).toEqual(['harden.ts'])
    expect(shell).toMatch(/showMessageBox[\s\S]{0,400}shell\.openExternal/)
    const refused = [
      ...FOREIGN.slice(1),
      'https://user:pw@example.com/',
      'smb://x/y',
      'ms-settings:',
      `https://x/${'a'.repeat(3000)}`,
    ]
    expect(refused.filter(address => externalLink(address) !== null)).toEqual([])
    expect(externalLink('https://example.com/a?b#c')?.href).toBe('https://example.com/a?b#c')
  })

  it('16. a current Electron', () => {
    const { version } = JSON.parse(read('node_modules/electron/package.json')) as { version: string }
    expect(Number(version.split('.')[0])).toBeGreaterThanOrEqual(45)
  })

  it('17. every IPC message has its sender checked', () => {
    const ipc = read('electron/shell/ipcHost.ts')
    const channels = ipc.match(/ipcMain\.(handle|on)\('/g) ?? []
    expect(channels).toHaveLength(3)
    expect(ipc.match(/isAllowed\(event\)/g)).toHaveLength(channels.length)
    expect(shellFiles.filter(([name, text]) => name !== 'ipcHost.ts' && /ipcMain\.(handle|on)/.test(text))).toEqual([])
  })

  it('18. no file:// pages: a scheme of its own, with no privileges beyond a web origin', () => {
    expect(APP_SCHEME.privileges).toEqual({ standard: true, secure: true, supportFetchAPI: true, codeCache: true })
    expect(shell).not.toMatch(/file:\/\//)
    expect(isOwnPage('app://studio/index.html')).toBe(true)
    expect(FOREIGN.filter(isOwnPage)).toEqual([])
  })

  it('19. every fuse is set, to its safe side', () => {
    const block = /electronFuses:\n((?: {2}.*\n)+)/.exec(read('electron-builder.yml'))?.[1] ?? ''
    const fuses = Object.fromEntries([...block.matchAll(/ {2}(\w+): (true|false)/g)].map(m => [m[1], m[2] === 'true']))
    expect(fuses).toEqual({
      runAsNode: false,
      enableCookieEncryption: true,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      loadBrowserProcessSpecificV8Snapshot: false,
      grantFileProtocolExtraPrivileges: false,
    })
  })

  it('20. no Electron API reaches a page: the compiled preload exposes three functions on fixed channels', () => {
    const compiled = read('out/preload/preload.cjs')
    expect(compiled.match(/require\("([^"]+)"\)/g)).toEqual(['require("electron")'])
    const exposed: Record<string, Record<string, unknown>> = {}
    const sent: unknown[][] = []
    const ipcRenderer = {
      invoke: (...args: unknown[]) => void sent.push(['invoke', ...args]),
      send: (...args: unknown[]) => void sent.push(['send', ...args]),
      on: (...args: unknown[]) => void sent.push(['on', args[0]]),
      removeListener: () => {},
    }
    const contextBridge = {
      exposeInMainWorld: (name: string, api: Record<string, unknown>) => {
        exposed[name] = api
      },
    }
    new Function('require', compiled)(() => ({
      contextBridge,
      ipcRenderer,
      webUtils: { getPathForFile: (file: unknown) => `path of ${file}` },
    }))
    expect(Object.keys(exposed)).toEqual(['statepack'])
    const api = exposed.statepack as Record<string, (...args: unknown[]) => unknown>
    expect(Object.keys(api).sort()).toEqual(['call', 'pathOf', 'post', 'subscribe'])
    api.call?.(1, 'any.method', { a: 1 }, false, 'more')
    api.post?.({ kind: 'cancel', id: 1 }, 'more')
    expect(api.pathOf?.('a file')).toBe('path of a file')
    const stop = api.subscribe?.('event', () => {})
    expect(typeof stop).toBe('function')
    expect(sent).toEqual([
      ['invoke', 'statepack:call', { id: 1, method: 'any.method', input: { a: 1 }, uploads: false }],
      ['send', 'statepack:post', { kind: 'cancel', id: 1 }],
      ['on', 'statepack:message'],
      ['send', 'statepack:listen', { kind: 'event' }],
    ])
    // No method of the contract is known to it.
    expect(compiled).not.toMatch(/(library|packets|models|receipts)\.\w+/)
  })

  it('downloads only what the page made itself', () => {
    expect(FOREIGN.filter(mayDownload)).toEqual([])
    expect(mayDownload('blob:app://studio/1-2-3')).toBe(true)
  })

  it('a weaker window would be noticed', () => {
    // The negative control: the very assertions above, over options somebody relaxed.
    const relaxed = { ...webPreferences, sandbox: false, nodeIntegration: true, webSecurity: false }
    const strict = { sandbox: true, nodeIntegration: false, webSecurity: true, contextIsolation: true }
    expect(webPreferences).toMatchObject(strict)
    expect(() => expect(relaxed).toMatchObject(strict)).toThrow()
  })
})
