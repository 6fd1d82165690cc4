import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type MouseEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useStore } from 'zustand'
import { writeCartridges } from '../../app/cartridgeDrag.ts'
import { type Cartridges, VERB_IDS, VERBS, type Verb, type VerbId } from '../../app/cartridgeVerbs.ts'
import { idsOf, type LibraryItem, packetIdsOf } from '../../stores/libraryStore.ts'
import { useStudio } from '../../stores/studio.ts'
import type { LibraryPages } from '../../stores/useLibrary.ts'
import { listChanged } from '../../stores/usePages.ts'
import { CartridgeCard } from '../../ui/CartridgeCard.tsx'
import { toastError } from '../../ui/toasts.tsx'
import { CartridgeRow } from './CartridgeRow.tsx'

export type Layout = 'grid' | 'list'

export interface CartridgeListProps {
  readonly layout: Layout
  readonly pages: LibraryPages
  /** A key of a verb, or a double click: what is to be done to which cartridges. */
  readonly onVerb: (verb: VerbId, packetIds: Cartridges) => void
  readonly onRename: (item: LibraryItem) => void
  /** A single click where there is no room for a details pane beside the list. */
  readonly onDetails: (() => void) | undefined
}

const CARD_WIDTH = 196
const CARD_HEIGHT = 231
const ROW_HEIGHT = 52
const GAP = 16

/**
 * The cartridges as a grid or a list, only what is in sight mounted; pages are read as one scrolls. A multi-select listbox:
 * arrows move, Shift extends, Space and Ctrl/Cmd+click toggle, Ctrl/Cmd+A takes all. What is chosen is read first, wherever it is.
 */
export function CartridgeList({
  layout,
  pages: { items, need, readBetween },
  onVerb,
  onRename,
  onDetails,
}: CartridgeListProps) {
  const { library } = useStudio()
  const selected = useStore(library, s => s.selected)
  const filter = useStore(library, s => s.filter)
  const isChoosing = useStore(library, s => s.choosing !== null)
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  const [active, setActive] = useState(0)
  const anchor = useRef(0)

  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const observer = new ResizeObserver(() => setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  const columns = layout === 'list' ? 1 : Math.max(1, Math.floor((width - 4 + GAP) / (CARD_WIDTH + GAP)))
  const rows = Math.ceil(items.length / columns)
  const virtual = useVirtualizer({
    count: rows,
    getScrollElement: () => box.current,
    estimateSize: () => (layout === 'list' ? ROW_HEIGHT : CARD_HEIGHT + GAP),
    overscan: 3,
    paddingStart: 3,
    paddingEnd: 12,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights differ by layout
  useEffect(() => {
    virtual.measure()
  }, [layout, virtual])

  const visible = virtual.getVirtualItems()
  const from = (visible[0]?.index ?? 0) * columns
  const to = Math.min(items.length, ((visible.at(-1)?.index ?? 0) + 1) * columns) - 1
  useEffect(() => {
    if (items.length > 0) need(from, to)
  }, [need, from, to, items.length])

  // biome-ignore lint/correctness/useExhaustiveDependencies: of another filter, nothing was chosen yet
  useEffect(() => {
    anchor.current = 0
    setActive(0)
  }, [filter])
  // What is not chosen yet when one leaves is not chosen behind one's back.
  useEffect(() => () => library.getState().stopChoosing(), [library])

  const chosen = new Set(selected)
  const isChosen = (item: LibraryItem) => packetIdsOf(item).some(id => chosen.has(id))
  const select = (ids: readonly string[]) => library.getState().select(ids)
  /** Reads what of it is not here. The ends are what they were when they were chosen, or nothing is. */
  function selectBetween(a: number, b: number): void {
    const [from, to] = [Math.min(a, b), Math.max(a, b)]
    const here = items.slice(from, to + 1).flatMap(item => item ?? [])
    if (here.length > to - from) select(idsOf(here))
    else void library.getState().choose({ from, to }, readRange(from, to)).catch(toastError)
  }

  async function readRange(from: number, to: number): Promise<readonly LibraryItem[]> {
    const [begin, end] = [items[from], items[to]]
    const read = await readBetween(from, to)
    // An entry that moved meanwhile is on two pages, or on none.
    if (new Set(read.map(({ packetId }) => packetId)).size <= to - from) throw listChanged()
    if ((begin ?? read[0])?.packetId !== read[0]?.packetId) throw listChanged()
    if ((end ?? read.at(-1))?.packetId !== read.at(-1)?.packetId) throw listChanged()
    return read
  }

  function choose(index: number, how: 'one' | 'toggle' | 'range'): void {
    setActive(index)
    if (how !== 'range') anchor.current = index
    const item = items[index]
    // What is not there yet is not known to be chosen.
    if (how === 'toggle' && item === undefined) return
    if (how !== 'toggle' || item === undefined) {
      selectBetween(anchor.current, index)
      return
    }
    const own = packetIdsOf(item)
    if (isChosen(item)) select(selected.filter(id => !own.includes(id)))
    else select([...selected, ...own])
  }

  function onKeyDown(event: KeyboardEvent): void {
    const page = Math.max(
      1,
      Math.floor((box.current?.clientHeight ?? 0) / (layout === 'list' ? ROW_HEIGHT : CARD_HEIGHT)),
    )
    const move = {
      ArrowLeft: layout === 'grid' ? active - 1 : undefined,
      ArrowRight: layout === 'grid' ? active + 1 : undefined,
      ArrowUp: active - columns,
      ArrowDown: active + columns,
      Home: 0,
      End: items.length - 1,
      PageUp: active - page * columns,
      PageDown: active + page * columns,
    }[event.key]
    if (move !== undefined) {
      event.preventDefault()
      const next = Math.min(items.length - 1, Math.max(0, move))
      virtual.scrollToIndex(Math.floor(next / columns))
      choose(next, event.shiftKey ? 'range' : 'one')
      return
    }
    const item = items[active]
    const keys = event.key === 'Delete' || event.key === 'Backspace' ? 'Del' : event.key
    const verb = VERB_IDS.find(one => (VERBS[one] as Verb).keys === keys)
    const { choosing, doNext } = library.getState()
    if (verb !== undefined && choosing !== null) {
      // It is about what is being chosen, not about what was chosen before.
      const at = active - choosing.from
      doNext({ label: VERBS[verb].label, run: chosen => does(verb, chosen[at], idsOf(chosen)) })
    } else if (event.key === ' ' && item !== undefined) choose(active, 'toggle')
    else if (verb === 'ask' && item !== undefined) ask(item)
    else if (verb !== undefined) does(verb, item, selected)
    else if (event.key === 'Escape') select([])
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) selectBetween(0, items.length - 1)
    else return
    event.preventDefault()
  }

  /** Does it to all that are chosen, or, where it is for one, to the active one. */
  function does(verb: VerbId, item: LibraryItem | undefined, chosen: readonly string[]): void {
    if (verb === 'rename') {
      if (item !== undefined) onRename(item)
      return
    }
    const [first, ...others] = VERBS[verb].many ? chosen : item === undefined ? [] : [item.packetId]
    if (first !== undefined) onVerb(verb, [first, ...others])
  }

  /** It, or all that are selected with it. */
  function ask(item: LibraryItem): void {
    const [first = item.packetId, ...others] = isChosen(item) ? selected : packetIdsOf(item)
    onVerb('ask', [first, ...others])
  }

  function onClick(event: MouseEvent, index: number): void {
    choose(index, event.shiftKey ? 'range' : event.ctrlKey || event.metaKey ? 'toggle' : 'one')
    if (!event.shiftKey && !event.ctrlKey && !event.metaKey) onDetails?.()
  }

  return (
    <div
      ref={box}
      className={`CartridgeList CartridgeList--${layout}`}
      role="listbox"
      aria-label="Cartridges"
      aria-multiselectable
      aria-busy={isChoosing}
      aria-activedescendant={items[active] === undefined ? undefined : optionId(active)}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {visible.map(row => (
          <div
            key={row.key}
            role="presentation"
            className="CartridgeList-row"
            style={{
              transform: `translateY(${row.start}px)`,
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
            }}
          >
            {items.slice(row.index * columns, (row.index + 1) * columns).map((item, i) => {
              const index = row.index * columns + i
              return (
                <CartridgeOption
                  key={item?.packetId ?? `gap-${index}`}
                  item={item}
                  index={index}
                  total={items.length}
                  layout={layout}
                  active={index === active}
                  selected={item !== undefined && isChosen(item)}
                  dragged={() => (item === undefined ? [] : isChosen(item) ? selected : packetIdsOf(item))}
                  onClick={event => onClick(event, index)}
                  onDoubleClick={() => item !== undefined && ask(item)}
                />
              )
            })}
          </div>
        ))}
      </div>
    </div>
  )
}

const optionId = (index: number) => `cartridge-${index}`

interface OptionProps {
  readonly item: LibraryItem | undefined
  readonly index: number
  readonly total: number
  readonly layout: Layout
  readonly active: boolean
  readonly selected: boolean
  readonly dragged: () => readonly string[]
  readonly onClick: (event: MouseEvent) => void
  readonly onDoubleClick: () => void
}

function CartridgeOption({
  item,
  index,
  total,
  layout,
  active,
  selected,
  dragged,
  onClick,
  onDoubleClick,
}: OptionProps) {
  return (
    // Keys are handled by the listbox, which keeps the focus (aria-activedescendant).
    // biome-ignore lint/a11y/useFocusableInteractive: see above
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    <div
      id={optionId(index)}
      role="option"
      aria-selected={selected}
      aria-setsize={total}
      aria-posinset={index + 1}
      className={`CartridgeOption${active ? ' CartridgeOption--active' : ''}`}
      draggable={item !== undefined}
      onDragStart={event => writeCartridges(event.dataTransfer, dragged())}
      onClick={onClick}
      onDoubleClick={onDoubleClick}
    >
      {item === undefined ? (
        <div className={`CartridgeOption-gap CartridgeOption-gap--${layout}`} />
      ) : layout === 'grid' ? (
        <CartridgeCard cartridge={item} stack={item.stack} selected={selected} />
      ) : (
        <CartridgeRow item={item} selected={selected} />
      )}
    </div>
  )
}
