/** A real browser for tests, from whatever this machine has. */
import { existsSync } from 'node:fs'
import { type Browser, chromium as playwright } from '@playwright/test'

export interface FoundBrowser {
  readonly browser: Browser
  /** Where it came from, for the report. */
  readonly from: string
}

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** What it needs in a container. Its own longer list turns web security off; tests want a browser as people have it. */
const PACKED_ARGS = ['--no-sandbox', '--no-zygote', '--font-render-hinting=none', '--use-angle=swiftshader']

async function fromPackage(args: readonly string[]): Promise<FoundBrowser> {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('it is for Linux on x64 only')
  const { default: packed } = await import('@sparticuz/chromium')
  const executablePath = await packed.executablePath()
  const browser = await playwright.launch({ executablePath, args: [...PACKED_ARGS, ...args], headless: true })
  return { browser, from: '@sparticuz/chromium' }
}

async function fromMachine(args: readonly string[]): Promise<FoundBrowser> {
  const executablePath = INSTALLED.find(file => existsSync(file))
  if (executablePath === undefined) throw new Error('none of the usual places has one')
  return { browser: await playwright.launch({ executablePath, args: [...args] }), from: executablePath }
}

async function fromPlaywright(args: readonly string[]): Promise<FoundBrowser> {
  return { browser: await playwright.launch({ args: [...args] }), from: 'Playwright’s own Chromium' }
}

/**
 * Launches headless Chromium: the packed one of the devDependencies, else an installed one, else Playwright's own.
 * Throws with the reason of each when there is none; the caller owns the browser and closes it.
 */
export async function launchChromium(args: readonly string[] = []): Promise<FoundBrowser> {
  const problems: string[] = []
  const sources = {
    '@sparticuz/chromium': fromPackage,
    'an installed Chrome': fromMachine,
    'Playwright’s own': fromPlaywright,
  }
  for (const [name, launch] of Object.entries(sources)) {
    try {
      return await launch(args)
    } catch (thrown) {
      const [reason = ''] = (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')
      problems.push(`${name}: ${reason}`)
    }
  }
  throw new Error(`No Chromium could be started. ${problems.join('; ')}`)
}
