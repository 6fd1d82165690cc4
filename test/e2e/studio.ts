/**
 * The whole Studio for a test: real engine process, real store in a fresh folder, real window. In a browser against the
 * loopback host, or in Electron where its program is here; the same specs run on both.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { _electron, type Browser, type Page } from '@playwright/test'
import { freshBuild } from '../../scripts/freshBuild.mjs'
import { launchChromium } from './chromium.ts'

const root = resolve(import.meta.dirname, '../..')

export interface OpenStudio {
  readonly page: Page
  /** Holds the store and the data of this Studio. */
  readonly home: string
  /** Where the loopback host answers, with its key; null in Electron, which has none. */
  readonly address: string | null
  /** Another window on the same engine. */
  newWindow(): Promise<Page>
  /** Kills the engine process, as a crash of native code would. */
  killEngine(): void
  close(): Promise<void>
}

export interface StudioOptions {
  /** A folder to open again, e.g. to see what a restart finds. */
  readonly home?: string
  readonly viewport?: { readonly width: number; readonly height: number }
  readonly env?: Readonly<Record<string, string>>
}

/** Electron's program, or why specs for it are skipped. Never downloads. */
export function findElectronForTests():
  | { readonly program: string }
  | { readonly program: null; readonly why: string } {
  const folder = join(root, 'node_modules', 'electron')
  const path = join(folder, 'path.txt')
  const program = existsSync(path) ? join(folder, 'dist', readFileSync(path, 'utf8')) : null
  return program !== null && existsSync(program)
    ? { program }
    : {
        program: null,
        why: 'Electron’s program is not on this machine (npm start fetches it where its host can be reached)',
      }
}

/** The engine is the one child of the host that runs `engine.js`. */
function killEngineOf(host: ChildProcess): void {
  const listing = spawn('ps', ['-eo', 'pid=,ppid=,args='], { stdio: ['ignore', 'pipe', 'ignore'] })
  createInterface(listing.stdout).on('line', line => {
    const [pid, parent, ...args] = line.trim().split(/\s+/)
    if (Number(parent) === host.pid && args.join(' ').includes('engine.js')) process.kill(Number(pid), 'SIGKILL')
  })
}

/** Opens the Studio in a browser window. */
export async function openStudio(options: StudioOptions = {}): Promise<OpenStudio> {
  const { home = mkdtempSync(join(tmpdir(), 'statepack-e2e-')), viewport = { width: 1280, height: 800 }, env } = options
  await freshBuild(root)
  const host = spawn(process.execPath, [join(root, 'out', 'main', 'serve.js')], {
    env: { ...process.env, STATEPACK_HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>(done => host.once('exit', () => done()))
  const address = await new Promise<string>((found, failed) => {
    createInterface(host.stdout).once('line', line => found((JSON.parse(line) as { address: string }).address))
    host.once('exit', code => failed(new Error(`The Studio ended with exit code ${code} before it answered.`)))
  })
  let browser: Browser
  try {
    browser = (await launchChromium()).browser
  } catch (thrown) {
    host.kill('SIGTERM')
    throw thrown
  }
  const newWindow = async () => {
    const context = await browser.newContext({ viewport, acceptDownloads: true })
    const page = await context.newPage()
    await page.goto(address)
    return page
  }
  return {
    page: await newWindow(),
    home,
    address,
    newWindow,
    killEngine: () => killEngineOf(host),
    close: async () => {
      await browser.close()
      host.kill('SIGTERM')
      await ended
    },
  }
}

/** Opens the Studio in Electron. Call only where {@link findElectronForTests} found a program. */
export async function openStudioInElectron(program: string, options: StudioOptions = {}): Promise<OpenStudio> {
  const { home = mkdtempSync(join(tmpdir(), 'statepack-e2e-')), env } = options
  await freshBuild(root)
  const app = await _electron.launch({
    executablePath: program,
    args: [root],
    env: { ...(process.env as Record<string, string>), STATEPACK_HOME: home, ...env },
  })
  return {
    page: await app.firstWindow(),
    home,
    address: null,
    newWindow: async () => {
      const opened = app.waitForEvent('window')
      await app.evaluate(({ Menu }) => {
        const file = Menu.getApplicationMenu()?.items.find(item => item.label.includes('File'))
        file?.submenu?.items.find(item => item.label === 'New window')?.click()
      })
      return opened
    },
    killEngine: () => killEngineOf(app.process()),
    close: () => app.close(),
  }
}
