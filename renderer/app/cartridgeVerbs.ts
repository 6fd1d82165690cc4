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
import { MOST_COMPOSED, MOST_MIXED } from '#shared/domain/mostTogether.ts'
import { MOST_SLOTS } from '#shared/domain/slots.ts'
import { useLibraryActions } from '../features/library/useLibraryActions.ts'
import { formatCount, formatCounted } from '../ui/format.ts'
import { toastNote } from '../ui/toasts.tsx'
import { askAddress } from './askAddress.ts'
import { EMPTY_SLOTS, emptySlotsAddress } from './emptySlots.ts'

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
  /** To so many at most; absent for any number. */
  readonly most?: number
}

/** What one does to cartridges, the most usual first: the same in the palette, the menus, the buttons and the keys of the list. */
export const VERBS = {
  ask: { label: 'Ask', words: 'question chat', icon: MessageSquare, keys: 'Enter', many: true, most: MOST_SLOTS },
  inspect: { label: 'Inspect', words: 'look inside', icon: ScanSearch, many: false },
  verify: { label: 'Verify', words: 'check prove recompute', icon: ShieldCheck, many: false },
  rename: { label: 'Rename', words: 'name call', icon: Pencil, keys: 'F2', many: false },
  remix: { label: 'Remix', words: 'append merge compose', icon: Shuffle, many: true, most: MOST_COMPOSED },
  mix: { label: 'Mix', words: 'blend crossfade', icon: Blend, many: true, most: MOST_MIXED },
  export: { label: 'Export', words: 'save share publish file', icon: Download, many: true },
  delete: { label: 'Delete', words: 'remove', icon: Trash2, keys: 'Del', danger: true, many: true },
} as const satisfies Readonly<Record<string, Verb>>

export type VerbId = keyof typeof VERBS

/** In the order of the table. */
export const VERB_IDS = Object.keys(VERBS).filter((id): id is VerbId => Object.hasOwn(VERBS, id))

/** Whether these are more than a verb takes; {@link useVerbs} says so, too. */
export function areTooMany(id: VerbId, { length }: readonly string[]): boolean {
  const { most = Number.POSITIVE_INFINITY }: Verb = VERBS[id]
  return length > most
}

/**
 * Does a verb of {@link VERBS}; one for a single cartridge is done to the first. Failures are shown, callers need not catch, and so
 * is that there are too many, with what can be done instead.
 */
export function useVerbs(): (id: VerbId, cartridges: Cartridges) => void {
  const navigate = useNavigate()
  const actions = useLibraryActions()
  return useMemo(
    () => (id, cartridges) => {
      const { label, most }: Verb = VERBS[id]
      if (most !== undefined && areTooMany(id, cartridges)) {
        const message = `${label} takes ${formatCounted(most, 'cartridge')} at most`
        const these = `These are ${formatCount(cartridges.length)}.`
        if (id !== 'ask') toastNote(message, `${these} Choose fewer.`)
        else
          toastNote(message, `${these} ${EMPTY_SLOTS.why}`, {
            label: EMPTY_SLOTS.label,
            onClick: () => void navigate(emptySlotsAddress()),
          })
        return
      }
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
