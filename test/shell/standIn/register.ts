/** Runs the compiled main process against the stand-in, and lets a test act on it; see electron.ts. */
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { MenuItemConstructorOptions } from 'electron'

const standIn = pathToFileURL(join(import.meta.dirname, 'electron.ts')).href
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' ? { url: standIn, shortCircuit: true } : next(specifier, context),
})

/** What a test can ask for. `page` runs in the page of window `index`. */
export type Ask =
  | { readonly ask: 'state' }
  | { readonly ask: 'page'; readonly index: number; readonly script: string }
  | { readonly ask: 'kill-engine' }
  | { readonly ask: 'menu'; readonly label: string }
  | { readonly ask: 'choose'; readonly files: readonly string[] }
  | { readonly ask: 'open-file'; readonly file: string }
  | { readonly ask: 'second-instance'; readonly args: readonly string[] }
  | { readonly ask: 'window-open'; readonly url: string }
  | { readonly ask: 'page-crashed' }
  | { readonly ask: 'close-all' }

const { app, BrowserWindow, record } = (await import('./electron.ts')) as typeof import('./electron.ts')

function findItem(items: readonly MenuItemConstructorOptions[], label: string): MenuItemConstructorOptions | undefined {
  return items
    .flatMap(item => [item, ...(Array.isArray(item.submenu) ? item.submenu : [])])
    .find(item => item.label === label)
}

async function answer(message: Ask): Promise<unknown> {
  const { pages } = record
  switch (message.ask) {
    case 'state': {
      const { windowOptions, dialogs, opened, privileges, sandboxed, permissions, userData } = record
      const engines = record.engines.map(engine => engine.pid)
      const handlers = Object.keys(permissions).sort()
      return {
        windows: pages.length,
        windowOptions,
        dialogs,
        opened,
        privileges,
        sandboxed,
        engines,
        handlers,
        userData,
      }
    }
    case 'page':
      return pages[message.index]?.evaluate(message.script)
    case 'kill-engine':
      return record.engines.at(-1)?.kill()
    case 'menu':
      return findItem(record.menu, message.label)?.click?.(undefined as never, undefined, undefined as never)
    case 'choose':
      record.chosen.push(...message.files)
      return null
    case 'open-file':
      app.tell('open-file', { preventDefault() {} }, message.file)
      return null
    case 'second-instance':
      app.tell('second-instance', {}, message.args)
      return null
    case 'window-open':
      return BrowserWindow.getFocusedWindow()?.webContents.windowOpen({ url: message.url })
    case 'page-crashed':
      BrowserWindow.getFocusedWindow()?.webContents.tell('render-process-gone', {}, { reason: 'crashed', exitCode: 1 })
      return null
    case 'close-all':
      while (BrowserWindow.getFocusedWindow() !== null) await BrowserWindow.getFocusedWindow()?.close()
      return null
  }
}

process.on('message', ({ id, ...message }: Ask & { id: number }) => {
  answer(message as Ask).then(
    value => process.send?.({ id, value }),
    thrown => process.send?.({ id, error: String(thrown) }),
  )
})
process.on('disconnect', () => process.exit(0))
