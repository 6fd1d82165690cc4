import { FileInput, Keyboard, MonitorCog, Undo2 } from 'lucide-react'
import type { ReactNode } from 'react'
import { useNavigate } from 'react-router'
import { useLibraryActions } from '../features/library/useLibraryActions.ts'
import { useStudio } from '../stores/studio.ts'
import { useQuery } from '../stores/useQuery.ts'
import { CartridgeFace } from '../ui/CartridgeFace.tsx'
import { formatRead } from '../ui/format.ts'
import { lastUndoable, toastError, undoLast } from '../ui/toasts.tsx'
import { verbsFor } from './cartridgeVerbs.tsx'
import { MOD_KEY } from './modKey.ts'
import { openFiles } from './openFiles.ts'
import { PLACES } from './places.ts'
import { useUi } from './uiStore.ts'
import { useSubject } from './useSubject.ts'

export interface PaletteItem {
  readonly id: string
  readonly title: string
  /** All words it can be found by. */
  readonly words: string
  readonly icon: ReactNode
  readonly note?: string
  readonly shortcut?: string
  readonly run: () => void
}

const SHORTCUTS: Readonly<Record<string, string>> = { '/new': `${MOD_KEY} N`, '/settings': `${MOD_KEY} ,` }

/** What the palette offers for `text`: commands whose words begin with every typed word, then cartridges. */
export function usePaletteItems(text: string): readonly PaletteItem[] {
  const navigate = useNavigate()
  const { settings } = useStudio()
  const query = text.trim()
  const found = useQuery('library.list', { query, limit: 8 })

  const subject = useSubject()
  const actions = useLibraryActions()
  const undone = lastUndoable()

  const commands: readonly PaletteItem[] = [
    ...(subject === null ? [] : verbsFor(subject, { go: path => void navigate(path), actions })),
    ...(undone === null
      ? []
      : [
          {
            id: 'undo',
            title: `Undo: ${undone}`,
            words: `undo take back ${undone}`,
            icon: <Undo2 aria-hidden />,
            shortcut: `${MOD_KEY} Z`,
            run: () => void undoLast(),
          },
        ]),
    ...PLACES.map(place => ({
      id: place.path,
      title: place.name,
      words: `${place.name} ${place.words}`,
      icon: <place.icon aria-hidden />,
      ...(SHORTCUTS[place.path] === undefined ? {} : { shortcut: SHORTCUTS[place.path] }),
      run: () => void navigate(place.path),
    })),
    {
      id: 'import',
      title: 'Import a cartridge file',
      words: 'import open file cartridge',
      icon: <FileInput aria-hidden />,
      shortcut: `${MOD_KEY} O`,
      run: () => openFiles('.cartridge', files => useUi.getState().setImports(files)),
    },
    ...(['light', 'dark', 'system'] as const).map(theme => ({
      id: `theme-${theme}`,
      title: `Theme: ${theme}`,
      words: `theme appearance ${theme}`,
      icon: <MonitorCog aria-hidden />,
      run: () => void settings.getState().change({ theme }).catch(toastError),
    })),
    {
      id: 'help',
      title: 'Keyboard shortcuts',
      words: 'help keys keyboard shortcuts',
      icon: <Keyboard aria-hidden />,
      shortcut: '?',
      run: () => useUi.getState().openHelp(true),
    },
  ]
  const typed = query.toLowerCase().split(/\s+/).filter(Boolean)
  const matching = commands.filter(command => {
    const words = command.words.toLowerCase().split(' ')
    return typed.every(part => words.some(word => word.startsWith(part)))
  })
  const begins = (name: string) => (name.toLowerCase().startsWith(query.toLowerCase()) ? 0 : 1)
  const items = (query === '' ? [] : (found.data?.items ?? [])).toSorted((a, b) => begins(a.name) - begins(b.name))
  const cartridges = items.map(item => ({
    id: item.packetId,
    title: `Ask ${item.name}`,
    words: item.name,
    icon: (
      <span className="Palette-face">
        <CartridgeFace digest={item.packetId} kind={item.kind} />
      </span>
    ),
    note: formatRead(item.tokens),
    run: () => void navigate(`/ask/${encodeURIComponent(item.packetId)}`),
  }))
  return [...matching, ...cartridges]
}
