import {
  Blend,
  Download,
  type LucideIcon,
  MessageSquare,
  Pencil,
  ScanSearch,
  ShieldCheck,
  Shuffle,
  Trash2,
} from 'lucide-react'
import { useMemo } from 'react'
import { useNavigate } from 'react-router'
import { useLibraryActions } from '../features/library/useLibraryActions.ts'
import { askAddress } from './askAddress.ts'

/** Any number of cartridges, but not none. */
export type Cartridges = readonly [string, ...string[]]

export interface Verb {
  readonly label: string
  /** More words by which the palette finds it. */
  readonly words: string
  readonly icon: LucideIcon
  /** Of the list of cartridges. */
  readonly keys?: string
  readonly danger?: boolean
  /** Whether it can be done to several at once. */
  readonly many: boolean
}

/** What one does to cartridges, the most usual first: the same in the palette, the menus, the buttons and the keys of the list. */
export const VERBS = {
  ask: { label: 'Ask', words: 'question chat', icon: MessageSquare, keys: 'Enter', many: true },
  inspect: { label: 'Inspect', words: 'look inside', icon: ScanSearch, many: false },
  verify: { label: 'Verify', words: 'check prove recompute', icon: ShieldCheck, many: false },
  rename: { label: 'Rename', words: 'name call', icon: Pencil, keys: 'F2', many: false },
  remix: { label: 'Remix', words: 'append merge compose', icon: Shuffle, many: true },
  mix: { label: 'Mix', words: 'blend crossfade', icon: Blend, many: true },
  export: { label: 'Export', words: 'save share publish file', icon: Download, many: true },
  delete: { label: 'Delete', words: 'remove', icon: Trash2, keys: 'Del', danger: true, many: true },
} as const satisfies Readonly<Record<string, Verb>>

export type VerbId = keyof typeof VERBS

/** In the order of the table. */
export const VERB_IDS = Object.keys(VERBS).filter((id): id is VerbId => Object.hasOwn(VERBS, id))

/** Does a verb of {@link VERBS}; one for a single cartridge is done to the first. Failures are shown, callers need not catch. */
export function useVerbs(): (id: VerbId, cartridges: Cartridges) => void {
  const navigate = useNavigate()
  const actions = useLibraryActions()
  return useMemo(
    () => (id, cartridges) => {
      const address = encodeURIComponent(cartridges[0])
      const remix = (part?: string) =>
        cartridges.length === 1
          ? `/remix/${address}${part === undefined ? '' : `?do=${part}`}`
          : `/remix?${new URLSearchParams({ ...(part === undefined ? {} : { do: part }), refs: cartridges.join(',') })}`
      const does = {
        ask: () => navigate(askAddress(cartridges)),
        inspect: () => navigate(`/inspect/${address}`),
        verify: () => actions.verify(cartridges[0]),
        rename: () => actions.rename(cartridges[0]),
        remix: () => navigate(remix()),
        mix: () => navigate(remix('mix')),
        export: () => actions.save(cartridges),
        delete: () => actions.remove(cartridges),
      } satisfies Record<VerbId, () => unknown>
      does[id]()
    },
    [navigate, actions],
  )
}
