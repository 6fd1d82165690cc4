/** Entry of the desktop app: one instance, its windows, the engine in a process of its own, and little else. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  nativeTheme,
  protocol,
  safeStorage,
  screen,
  type WebContents,
} from 'electron'
import { logCrashes } from '#engine/logging/logCrashes.ts'
import { openLog } from '#engine/logging/openLog.ts'
import { createStudioApi } from '#hosts/api/studioApi.ts'
import { chooseDevice } from '#hosts/chooseDevice.ts'
import { logEngineState } from '#hosts/engineProcess/logEngineState.ts'
import { superviseEngine } from '#hosts/engineProcess/supervisor.ts'
import { chooseFolders, packageFolder } from '#hosts/folders.ts'
import { loadPageAssets } from '#hosts/loopback/pageAssets.ts'
import { toErrorValue } from '#shared/domain/error.ts'
import { APP_ORIGIN, APP_SCHEME, createAppHandler } from './appScheme.ts'
import { harden } from './harden.ts'
import { type IpcHost, startIpcHost } from './ipcHost.ts'
import { type MenuAction, menuTemplate } from './menuTemplate.ts'
import { fileForReview, type OpenRequest, openedByArguments, parseStudioLink } from './openRequest.ts'
import { loadSecretKey } from './secretKey.ts'
import { startUtilityEngine } from './utilityEngine.ts'
import { windowOptions } from './windowOptions.ts'
import { fitToScreens, readWindowState, writeWindowState } from './windowState.ts'

const built = packageFolder()
const icon = join(app.isPackaged ? process.resourcesPath : built, 'assets', 'icons', 'icon.png')
const windows = new Set<BrowserWindow>()
/** A page that keeps crashing is not reloaded for ever. */
const RELOADS = 3

app.enableSandbox()
protocol.registerSchemesAsPrivileged([APP_SCHEME])

/** Files and links that came before there was a window. */
const early: OpenRequest[] = []
let openInWindow: (request: OpenRequest) => void = request => early.push(request)

async function openPaths(args: readonly string[]): Promise<void> {
  const { files, links } = openedByArguments(args)
  for (const link of links) {
    const request = parseStudioLink(link)
    if (request !== null) openInWindow(request)
  }
  for (const file of files) {
    try {
      openInWindow(await fileForReview(file))
    } catch (thrown) {
      dialog.showErrorBox('This file cannot be opened', toErrorValue(thrown).message)
    }
  }
}

/** The menu's Import. The page cannot open its own file dialog here: a menu is no gesture in the page. */
async function chooseFiles(): Promise<void> {
  const { filePaths } = await dialog.showOpenDialog({
    properties: ['openFile', 'multiSelections'],
    filters: [{ name: 'Cartridges', extensions: ['cartridge'] }],
  })
  await openPaths(filePaths)
}

function createWindow(host: IpcHost, stateFile: string): BrowserWindow {
  const state = fitToScreens(
    readWindowState(stateFile),
    screen.getAllDisplays().map(display => display.workArea),
  )
  const window = new BrowserWindow(
    windowOptions({
      preload: join(built, 'out', 'preload', 'preload.cjs'),
      icon: existsSync(icon) ? icon : undefined,
      state,
      dark: nativeTheme.shouldUseDarkColors,
      packaged: app.isPackaged,
    }),
  )
  const contents = window.webContents
  windows.add(window)
  if (state.maximized) window.maximize()
  window.once('ready-to-show', () => window.show())
  window.on('close', () => {
    void writeWindowState(stateFile, { bounds: window.getNormalBounds(), maximized: window.isMaximized() })
  })
  window.on('closed', () => {
    windows.delete(window)
    host.windowGone(contents)
  })
  contents.on('did-start-navigation', details => {
    // A reload is a new page: nobody waits for what the old one asked.
    if (details.isMainFrame && !details.isSameDocument) host.pageGone(contents)
  })
  let reloads = 0
  contents.on('render-process-gone', (_event, { reason }) => {
    host.pageGone(contents)
    if (reason !== 'clean-exit' && reloads++ < RELOADS) contents.reload()
  })
  // A load that is overtaken by a reload is no error; a page that cannot load shows as an empty window.
  window.loadURL(`${APP_ORIGIN}/index.html`).catch(() => {})
  return window
}

async function start(): Promise<void> {
  harden()
  const folders = chooseFolders(
    {},
    app.isPackaged ? { ...process.env, STATEPACK_ASSETS: join(process.resourcesPath, 'assets') } : process.env,
  )
  const assets = await loadPageAssets(join(built, 'out', 'renderer'))
  protocol.handle('app', createAppHandler(assets))
  const secretKey = await loadSecretKey(safeStorage, join(app.getPath('userData'), 'secret.key'))
  const supervisor = superviseEngine({
    start: () => startUtilityEngine(join(import.meta.dirname, 'engine.js')),
    engine: { ...folders, device: chooseDevice(), secretKey },
  })
  const log = openLog(join(folders.dataFolder, 'logs'), 'studio')
  logCrashes(log)
  logEngineState(supervisor, log)
  const isOwnWindow = (contents: WebContents) => [...windows].some(window => window.webContents === contents)
  const status = () => {
    const { state, reason } = supervisor.health()
    return reason === null ? { state } : { state, reason }
  }
  const api = createStudioApi(supervisor, folders.dataFolder)
  const host = startIpcHost({ ipcMain, transport: api.transport, status, isOwnWindow })
  const stateFile = join(app.getPath('userData'), 'window.json')
  const newWindow = () => createWindow(host, stateFile)
  const frontWindow = () => BrowserWindow.getFocusedWindow() ?? [...windows].at(-1) ?? newWindow()

  openInWindow = request => {
    const window = frontWindow()
    if (window.isMinimized()) window.restore()
    window.focus()
    host.open(window.webContents, request)
  }
  const act = (action: MenuAction) => {
    if (action.kind === 'new-window') newWindow()
    else if (action.kind === 'import') void chooseFiles()
    else openInWindow(action)
  }
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(process.platform, act)))

  newWindow()
  for (const request of early.splice(0)) openInWindow(request)
  await openPaths(process.argv.slice(app.isPackaged ? 1 : 2))

  app.on('activate', () => {
    if (windows.size === 0) newWindow()
  })
  app.on('second-instance', (_event, args) => {
    const window = frontWindow()
    if (window.isMinimized()) window.restore()
    window.focus()
    void openPaths(args.slice(1))
  })
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit()
  })
  let closing = false
  app.on('will-quit', event => {
    if (closing) return
    closing = true
    // The engine first lets go of its files.
    event.preventDefault()
    void api
      .close()
      .then(() => supervisor.dispose())
      .finally(() => app.quit())
  })
}

app.on('open-file', (event, file) => {
  event.preventDefault()
  void openPaths([file])
})
app.on('open-url', (event, link) => {
  event.preventDefault()
  void openPaths([link])
})

if (app.requestSingleInstanceLock()) {
  if (app.isPackaged) app.setAsDefaultProtocolClient('statepack')
  app
    .whenReady()
    .then(start)
    .catch((thrown: unknown) => {
      dialog.showErrorBox('State Pack Studio could not start', toErrorValue(thrown).message)
      app.exit(1)
    })
} else {
  app.quit()
}
