// Opens an address in a window of its own where a Chromium-like browser is installed, else in the default browser.
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

const CANDIDATES = {
  linux: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'brave-browser', 'microsoft-edge'],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    '/Applications/Brave Browser.app/Contents/MacOS/Brave Browser',
  ],
  win32: ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap(name =>
    process.env[name] === undefined
      ? []
      : [
          join(process.env[name], 'Google', 'Chrome', 'Application', 'chrome.exe'),
          join(process.env[name], 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
        ],
  ),
}

const DEFAULT_BROWSER = {
  darwin: address => ['open', [address]],
  win32: address => ['rundll32', ['url.dll,FileProtocolHandler', address]],
  linux: address => ['xdg-open', [address]],
}

function onPath(name) {
  const places = isAbsolute(name) ? [name] : (process.env.PATH ?? '').split(delimiter).map(folder => join(folder, name))
  return places.find(file => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Whether a window can be shown at all. */
export function hasDisplay() {
  if (process.platform !== 'linux') return true
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)
}

/**
 * Opens `address`. The app window has a profile of its own in `profile`, so closing it ends only the Studio.
 * `{ name, window }`: what was opened, in words, and its process when closing it is the end; null when nothing could be.
 */
export async function openBrowserWindow(address, profile) {
  const browser = CANDIDATES[process.platform]?.map(onPath).find(file => file !== undefined)
  if (browser !== undefined) {
    const options = [`--app=${address}`, `--user-data-dir=${profile}`, '--no-first-run', '--no-default-browser-check']
    const window = spawn(browser, options, { stdio: 'ignore' })
    // One that cannot start (no sandbox, no display) is gone within a moment.
    const failed = await new Promise(resolve => {
      window.on('error', () => resolve(true))
      window.on('exit', code => resolve(code !== 0))
      setTimeout(() => resolve(false), 1500)
    })
    if (!failed) return { name: 'a browser window', window: window.exitCode === null ? window : null }
  }
  const [command, args] = (DEFAULT_BROWSER[process.platform] ?? DEFAULT_BROWSER.linux)(address)
  if (process.platform === 'linux' && onPath(command) === undefined) return null
  const opened = spawn(command, args, { stdio: 'ignore', detached: true })
  opened.unref()
  const failed = await new Promise(resolve => {
    opened.on('error', () => resolve(true))
    opened.on('exit', code => resolve(code !== 0))
    setTimeout(() => resolve(false), 1500)
  })
  return failed ? null : { name: 'the default browser', window: null }
}
