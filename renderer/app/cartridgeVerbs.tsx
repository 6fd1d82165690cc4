import { Download, MessageSquare, ScanSearch, Shuffle, Trash2 } from 'lucide-react'
import type { LibraryActions } from '../features/library/useLibraryActions.ts'
import type { PaletteItem } from './usePaletteItems.tsx'

export interface VerbContext {
  readonly go: (path: string) => void
  readonly actions: Pick<LibraryActions, 'remove' | 'save'>
}

/** What the palette does to the cartridges at hand, the most usual first. */
export function verbsFor(
  subject: readonly [string, ...string[]],
  { go, actions }: VerbContext,
): readonly PaletteItem[] {
  const [first] = subject
  const address = encodeURIComponent(first)
  const many = subject.length > 1
  const it = many ? `${subject.length} cartridges` : 'this cartridge'
  const single: readonly PaletteItem[] = [
    {
      id: 'verb-ask',
      title: `Ask ${it}`,
      words: 'ask question this cartridge',
      icon: <MessageSquare aria-hidden />,
      run: () => go(`/ask/${address}`),
    },
    {
      id: 'verb-inspect',
      title: `Inspect ${it}`,
      words: 'inspect look inside this cartridge',
      icon: <ScanSearch aria-hidden />,
      run: () => go(`/inspect/${address}`),
    },
    {
      id: 'verb-mix',
      title: `Mix ${it}`,
      words: 'mix remix blend this cartridge',
      icon: <Shuffle aria-hidden />,
      run: () => go(`/remix/${address}?do=mix`),
    },
  ]
  return [
    ...(many ? [] : single),
    {
      id: 'verb-export',
      title: `Export ${it}`,
      words: 'export save share file this cartridge',
      icon: <Download aria-hidden />,
      run: () => actions.save(subject),
    },
    {
      id: 'verb-delete',
      title: `Delete ${it}`,
      words: 'delete remove this cartridge',
      icon: <Trash2 aria-hidden />,
      run: () => void actions.remove(subject),
    },
  ]
}
