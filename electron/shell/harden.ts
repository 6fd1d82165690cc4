/** Applies the policies to everything Electron may ever create: sessions, windows, frames, guests. */
import { app, dialog, type Session, session, shell, type WebContents } from 'electron'
import { externalLink, mayDownload, mayLoad, mayNavigate } from './navigationPolicy.ts'
import { mayUse } from './permissionPolicy.ts'

/** The one door to the person's browser: https only, and only after they saw the whole address. */
export async function openExternal(address: string): Promise<void> {
  const url = externalLink(address)
  if (url === null) return
  const { response } = await dialog.showMessageBox({
    type: 'question',
    message: 'Open this link in your browser?',
    detail: url.href,
    buttons: ['Open', 'Cancel'],
    defaultId: 1,
    cancelId: 1,
    noLink: true,
  })
  if (response === 0) await shell.openExternal(url.href)
}

function hardenSession(own: Session): void {
  own.setPermissionRequestHandler((_contents, permission, decide, details) =>
    decide(mayUse(permission, details.requestingUrl)),
  )
  own.setPermissionCheckHandler((_contents, permission, origin) => mayUse(permission, `${origin.replace(/\/$/, '')}/`))
  own.setDevicePermissionHandler(() => false)
  own.webRequest.onBeforeRequest((details, answer) => answer({ cancel: !mayLoad(details.url) }))
  own.on('will-download', (event, item) => {
    if (!mayDownload(item.getURL())) event.preventDefault()
  })
}

function hardenContents(contents: WebContents): void {
  contents.on('will-navigate', details => {
    if (!mayNavigate(details.url)) details.preventDefault()
  })
  contents.on('will-redirect', details => {
    if (!mayNavigate(details.url)) details.preventDefault()
  })
  contents.on('will-frame-navigate', details => {
    if (!mayNavigate(details.url)) details.preventDefault()
  })
  contents.on('will-attach-webview', event => event.preventDefault())
  contents.setWindowOpenHandler(({ url }) => {
    void openExternal(url)
    return { action: 'deny' }
  })
}

/** To be called once Electron is ready, before any window is made. */
export function harden(): void {
  hardenSession(session.defaultSession)
  app.on('web-contents-created', (_event, contents) => hardenContents(contents))
}
