import { Blocks, Layers, MessagesSquare, MonitorCog } from 'lucide-react'
import type { ReactNode } from 'react'
import { useNavigate } from 'react-router'
import { COMMANDS, isCommandId } from '#shared/domain/commands.ts'
import { PLACES, type Place } from '#shared/domain/places.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { Collection } from '#shared/rpc/methods/collections.ts'
import type { Settings } from '#shared/rpc/methods/engine.ts'
import { addressOf } from '../features/ask/openConversation.ts'
import { useRead } from '../stores/useRead.ts'
import { useChangeSettings } from '../stores/useSettings.ts'
import { CartridgeFace } from '../ui/CartridgeFace.tsx'
import { formatAgo, formatCounted, formatRead } from '../ui/format.ts'
import { lastUndoable, toastError } from '../ui/toasts.tsx'
import { useVerbs, VERB_IDS, VERBS, type Verb } from './cartridgeVerbs.ts'
import { COMMAND_ICONS } from './commandIcons.ts'
import { PLACE_ICONS } from './placeIcons.ts'
import { type Ranked, rankByText } from './rankByText.ts'
import { runCommand } from './runCommand.ts'
import { sameCartridges } from './sameCartridges.ts'
import { useSubject } from './useSubject.ts'

/** Things that belong together, in this order while nothing is typed. */
export const GROUPS = ['Chosen', 'Asked lately', 'Do', 'Go to', 'Models', 'Settings', 'Cartridges'] as const

export interface PaletteItem {
  readonly id: string
  readonly group: (typeof GROUPS)[number]
  readonly title: string
  /** More words it can be found by. */
  readonly words: string
  readonly icon: ReactNode
  readonly note?: string
  readonly keys?: string
  /** Offered before anything is typed. */
  readonly atOnce: boolean
  readonly run: () => void
}

/** So many cartridges and conversations, the latest, are matched letter by letter; the engine finds the others by whole words. */
const LATEST = 100
/** So many of those that the engine finds. */
const FOUND = 8

export interface PaletteItems {
  /** The best match first. What the engine finds comes later, behind what is here. */
  readonly items: readonly Ranked<PaletteItem>[]
  /** Whether the first match is yet to come. */
  readonly pending: boolean
}

/**
 * What the palette offers for `text`: verbs for the cartridges at hand, commands, places with their parts, models, settings,
 * questions asked lately, and cartridges. Without a text, what one may want here and now.
 */
export function usePaletteItems(text: string): PaletteItems {
  const query = text.trim()
  const collections = useRead('collections.list', {})
  const models = useRead('models.list', {})
  const asked = useRead('conversations.list', { limit: LATEST })
  const latest = useRead('library.list', { query: '', limit: LATEST })
  const search = useRead('library.list', query === '' ? null : { query, limit: FOUND })
  const commands = useCommandItems(collections.data?.collections ?? [], models.data?.models ?? [])
  const ofCollections = useCollectionItems(collections.data?.collections ?? [])
  const conversations = useConversationItems(asked.data?.items ?? [])
  const cartridges = useCartridgeItems(latest.data?.items ?? [])
  const found = useCartridgeItems(search.data?.items ?? [])
  // Nothing is shown before all of it: what came in between would move what is chosen.
  if ([collections, models, asked, latest].some(({ isPending }) => isPending)) return { items: [], pending: true }
  if (query === '') {
    const wanted = [...commands, ...conversations.slice(0, 3)].filter(item => item.atOnce)
    const items = GROUPS.flatMap(group => wanted.filter(item => item.group === group))
    return { items: items.map(item => ({ item, letters: [] })), pending: false }
  }
  const ranked = rankByText(query, [...commands, ...conversations, ...ofCollections, ...cartridges])
  const seen = new Set(ranked.map(({ item }) => item.id))
  // What has the words somewhere else: in its card, its recipe, its text.
  const elsewhere = found.filter(({ id }) => !seen.has(id)).map(item => ({ item, letters: [] }))
  return { items: [...ranked, ...elsewhere], pending: ranked.length === 0 && search.isPending }
}

function useCommandItems(
  collections: readonly Collection[],
  models: Output<'models.list'>['models'],
): readonly PaletteItem[] {
  const navigate = useNavigate()
  const changeSettings = useChangeSettings()
  const subject = useSubject()
  const verb = useVerbs()
  const undoable = lastUndoable()
  const go = (route: string) => () => void navigate(route)
  const change = (part: Partial<Settings>) => () => void changeSettings(part).catch(toastError)

  const whole = collections.find(({ packetIds }) => sameCartridges(packetIds, subject ?? []))
  const these =
    whole?.name ?? (subject?.length === 1 ? 'this cartridge' : formatCounted(subject?.length ?? 0, 'cartridge'))
  const verbs = VERB_IDS.filter(id => subject !== null && (VERBS[id].many || subject.length === 1)).map(id => {
    const { label, words, icon: Icon, keys }: Verb = VERBS[id]
    return {
      id: `verb-${id}`,
      group: 'Chosen' as const,
      title: `${label} ${these}`,
      words,
      icon: <Icon aria-hidden />,
      keys,
      atOnce: true,
      run: () => subject !== null && verb(id, subject),
    }
  })
  const commands = Object.keys(COMMANDS)
    .filter(isCommandId)
    // The palette is open, and finds more than the search does.
    .filter(id => id !== 'palette' && id !== 'search' && (id !== 'undo' || undoable !== null))
    .map(id => {
      const Icon = COMMAND_ICONS[id]
      return {
        id,
        group: 'Do' as const,
        title: id === 'undo' ? `Undo: ${undoable}` : COMMANDS[id].title,
        words: COMMANDS[id].words,
        icon: <Icon aria-hidden />,
        keys: COMMANDS[id].keys,
        atOnce: true,
        run: () => void runCommand(id),
      }
    })
  const places = PLACES.flatMap(place => {
    const { path, name, words, keys, parts }: Place = place
    const Icon = PLACE_ICONS[place.path]
    const icon = () => <Icon aria-hidden />
    return [
      { id: path, group: 'Go to' as const, title: name, words, icon: icon(), keys, atOnce: true, run: go(path) },
      ...(parts?.of ?? []).map(part => ({
        id: `${path}-${part.id}`,
        group: path === '/settings' ? ('Settings' as const) : ('Go to' as const),
        title: `${name}: ${part.label}`,
        words: '',
        icon: icon(),
        atOnce: false,
        run: go(`${path}?${parts?.parameter}=${part.id}`),
      })),
    ]
  })
  const themes = (['light', 'dark', 'system'] as const).map(theme => ({
    id: `theme-${theme}`,
    group: 'Settings' as const,
    title: `Theme: ${theme}`,
    words: 'appearance',
    icon: <MonitorCog aria-hidden />,
    atOnce: false,
    run: change({ theme }),
  }))
  const ofModels = models
    .filter(model => model.status === 'ready')
    .map(model => ({
      id: `model-${model.id}`,
      group: 'Models' as const,
      title: `Use ${model.name} for new cartridges`,
      words: `model default ${model.id}`,
      icon: <Blocks aria-hidden />,
      atOnce: false,
      run: change({ defaultModel: model.id }),
    }))
  return [...verbs, ...commands, ...places, ...ofModels, ...themes]
}

/** Conversations by what was asked. */
function useConversationItems(asked: Output<'conversations.list'>['items']): readonly PaletteItem[] {
  const navigate = useNavigate()
  return asked
    .filter(({ turns }) => turns > 0)
    .map(({ id, name, slots, cartridge, updatedAt }) => ({
      id,
      group: 'Asked lately',
      title: name,
      words: cartridge ?? 'bare model',
      icon: <MessagesSquare aria-hidden />,
      note: formatAgo(updatedAt),
      atOnce: true,
      run: () => void navigate(addressOf(id, slots)),
    }))
}

function useCollectionItems(collections: readonly Collection[]): readonly PaletteItem[] {
  const verb = useVerbs()
  return collections.map(({ id, name, packetIds: [first, ...others], tokens }) => ({
    id,
    group: 'Cartridges',
    title: `Ask ${name}`,
    words: 'collection',
    icon: <Layers aria-hidden />,
    note: formatRead(tokens),
    atOnce: false,
    run: () => first !== undefined && verb('ask', [first, ...others]),
  }))
}

function useCartridgeItems(cartridges: Output<'library.list'>['items']): readonly PaletteItem[] {
  const navigate = useNavigate()
  return cartridges.map(item => ({
    id: item.packetId,
    group: 'Cartridges',
    title: `Ask ${item.name}`,
    words: item.tags.join(' '),
    icon: (
      <span className="Palette-face">
        <CartridgeFace digest={item.packetId} kind={item.kind} name={item.name} />
      </span>
    ),
    note: formatRead(item.tokens),
    atOnce: false,
    run: () => void navigate(`/ask/${encodeURIComponent(item.packetId)}`),
  }))
}
