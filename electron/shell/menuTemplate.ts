/** The application menu as plain data: what an entry does is a request to the page, which knows how. */
import type { MenuItemConstructorOptions } from 'electron'
import { COMMANDS, type CommandId } from '#shared/domain/commands.ts'
import { PLACES, type Place, type PlacePath } from '#shared/domain/places.ts'

/** What a menu entry asks for: a place or command of the page, or one of the few things only the shell can do. */
export type MenuAction =
  | { readonly kind: 'go'; readonly route: string }
  | { readonly kind: 'command'; readonly command: CommandId }
  | { readonly kind: 'import' }
  | { readonly kind: 'new-window' }

type Item = MenuItemConstructorOptions

const separator: Item = { type: 'separator' }

/** `act` is called with what the chosen entry asks for. */
export function menuTemplate(platform: NodeJS.Platform, act: (action: MenuAction) => void): Item[] {
  const item = (label: string, action: MenuAction, keys?: string): Item => ({
    label,
    click: () => act(action),
    // Shown here, handled by the page: it has the same keys in a browser.
    ...(keys === undefined
      ? {}
      : { accelerator: keys.replace('Mod', 'CmdOrCtrl'), registerAccelerator: action.kind === 'new-window' }),
  })
  const go = (path: PlacePath, more = '') => {
    const place: Place | undefined = PLACES.find(one => one.path === path)
    return item(`${place?.name ?? path}${more}`, { kind: 'go', route: path }, place?.keys)
  }
  const command = (id: CommandId) => item(COMMANDS[id].title, { kind: 'command', command: id }, COMMANDS[id].keys)
  /** Those of the File and the application menu stand there. */
  const views = PLACES.map(({ path }) => path).filter(path => path !== '/new' && path !== '/settings')

  const app: Item[] =
    platform === 'darwin'
      ? [
          {
            role: 'appMenu',
            submenu: [
              { role: 'about' },
              separator,
              go('/settings', '…'),
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
    platform === 'darwin' ? [{ role: 'close' }] : [go('/settings', '…'), separator, { role: 'quit' }]

  return [
    ...app,
    {
      label: '&File',
      submenu: [
        go('/new'),
        item(`${COMMANDS.import.title}…`, { kind: 'import' }, COMMANDS.import.keys),
        item('New window', { kind: 'new-window' }, 'Shift+Mod+N'),
        separator,
        ...lastOfFile,
      ],
    },
    { role: 'editMenu' },
    {
      label: '&View',
      submenu: [
        command('palette'),
        separator,
        ...views.map(path => go(path)),
        separator,
        { role: 'reload' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
      ],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [command('shortcuts')] },
  ]
}
