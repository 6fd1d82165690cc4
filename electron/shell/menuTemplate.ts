/** The application menu as plain data: what an entry does is a request to the page, which knows how. */
import type { MenuItemConstructorOptions } from 'electron'

/** What a menu entry asks for: a place or command of the page, or one of the few things only the shell can do. */
export type MenuAction =
  | { readonly kind: 'go'; readonly route: string }
  | { readonly kind: 'command'; readonly command: 'palette' | 'shortcuts' }
  | { readonly kind: 'import' }
  | { readonly kind: 'new-window' }

type Item = MenuItemConstructorOptions

const separator: Item = { type: 'separator' }

/** `act` is called with what the chosen entry asks for. */
export function menuTemplate(platform: NodeJS.Platform, act: (action: MenuAction) => void): Item[] {
  const item = (label: string, action: MenuAction, accelerator?: string): Item => ({
    label,
    click: () => act(action),
    // Shown here, handled by the page: it has the same keys in a browser.
    ...(accelerator === undefined ? {} : { accelerator, registerAccelerator: action.kind === 'new-window' }),
  })
  const go = (label: string, route: string, accelerator?: string) => item(label, { kind: 'go', route }, accelerator)

  const app: Item[] =
    platform === 'darwin'
      ? [
          {
            role: 'appMenu',
            submenu: [
              { role: 'about' },
              separator,
              go('Settings…', '/settings', 'Cmd+,'),
              separator,
              { role: 'services' },
              separator,
              { role: 'hide' },
              { role: 'hideOthers' },
              { role: 'unhide' },
              separator,
              { role: 'quit' },
            ],
          },
        ]
      : []
  const lastOfFile: Item[] =
    platform === 'darwin' ? [{ role: 'close' }] : [go('Settings…', '/settings', 'Ctrl+,'), separator, { role: 'quit' }]

  return [
    ...app,
    {
      label: '&File',
      submenu: [
        go('New cartridge', '/new', 'CmdOrCtrl+N'),
        item('Import…', { kind: 'import' }, 'CmdOrCtrl+O'),
        item('New window', { kind: 'new-window' }, 'Shift+CmdOrCtrl+N'),
        separator,
        ...lastOfFile,
      ],
    },
    { role: 'editMenu' },
    {
      label: '&View',
      submenu: [
        item('Commands', { kind: 'command', command: 'palette' }, 'CmdOrCtrl+K'),
        separator,
        go('Library', '/library'),
        go('Ask', '/ask'),
        go('Inspect', '/inspect'),
        go('Remix', '/remix'),
        go('Receipts', '/receipts'),
        go('Savings', '/savings'),
        go('Models', '/models'),
        separator,
        { role: 'reload' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
      ],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [item('Keyboard shortcuts', { kind: 'command', command: 'shortcuts' })] },
  ]
}
