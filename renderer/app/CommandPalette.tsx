import { Search } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from 'react'
import {
  Autocomplete,
  Dialog,
  Header,
  Input,
  ListBox,
  ListBoxItem,
  ListBoxSection,
  ListStateContext,
  Modal,
  ModalOverlay,
  TextField,
} from 'react-aria-components'
import { Kbd } from '../ui/Kbd.tsx'
import { keysHere } from './keysHere.ts'
import { MarkedText } from './MarkedText.tsx'
import type { Ranked } from './rankByText.ts'
import { useUi } from './uiStore.ts'
import { GROUPS, type PaletteItem, usePaletteItems } from './usePaletteItems.tsx'
import '../ui/dialog.css'
import '../ui/field.css'
import './palette.css'

/** Ctrl/Cmd+K: what can be done, places, settings, questions and cartridges by a few typed letters. */
export function CommandPalette() {
  const isOpen = useUi(ui => ui.paletteOpen)
  const openPalette = useUi(ui => ui.openPalette)
  return (
    <ModalOverlay className="Overlay Palette-overlay" isOpen={isOpen} isDismissable onOpenChange={openPalette}>
      <Modal className="Palette">
        <Dialog aria-label="Commands" className="Dialog-inner">
          <PaletteBody />
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}

const FIND = 'Find a place, an action, a question or a cartridge'

/** A field and its list, which is always open. The first entry is chosen until the arrows or the mouse say otherwise. */
function PaletteBody() {
  const [text, setText] = useState('')
  const { items, pending } = usePaletteItems(text)
  const list = useRef<HTMLDivElement>(null)
  const chosen = useRef<PaletteItem | null>(null)
  const isOpen = useUi(ui => ui.paletteOpen)
  /** Enter came before there was anything that it could be meant for. */
  const [entered, setEntered] = useState(false)

  const run = useCallback((item: PaletteItem | undefined) => {
    if (item === undefined) return
    chosen.current = item
    useUi.getState().openPalette(false)
  }, [])
  // Opened again before it was gone: what was chosen then is not meant any more.
  useEffect(() => {
    if (isOpen) chosen.current = null
  }, [isOpen])
  // Done when this is gone and has given the focus back, a frame later: what is done may lead the focus elsewhere.
  useEffect(
    () => () => {
      const item = chosen.current
      if (item !== null) requestAnimationFrame(() => requestAnimationFrame(item.run))
    },
    [],
  )

  useEffect(() => {
    if (!entered || pending) return
    setEntered(false)
    run(items[0]?.item)
  }, [entered, pending, items, run])

  function onKeyDownCapture(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing) return
    // The caret's: the list, which has only one column, would give up what is chosen.
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') event.stopPropagation()
    if (event.key !== 'Enter') return
    // Autocomplete knows what is chosen a moment after it is drawn, which may be too late for who types and presses Enter at once.
    event.preventDefault()
    event.stopPropagation()
    const focused = list.current?.querySelector('[data-focused]')?.getAttribute('data-key')
    const { item } = items.find(({ item }) => item.id === focused) ?? items[0] ?? {}
    if (item === undefined) setEntered(pending)
    else run(item)
  }

  const option = (ranked: Ranked<PaletteItem>) => <PaletteOption key={ranked.item.id} {...ranked} onRun={run} />

  return (
    <Autocomplete
      inputValue={text}
      onInputChange={next => {
        setText(next)
        setEntered(false)
      }}
    >
      <TextField className="Palette-field" aria-label={FIND} autoFocus>
        <Search aria-hidden />
        <Input role="combobox" aria-expanded placeholder={FIND} onKeyDownCapture={onKeyDownCapture} />
      </TextField>
      <ListBox
        // What is found for another text is another list, chosen from anew, however the text came to be another.
        key={text}
        ref={list}
        className="Palette-list"
        aria-label="Commands"
        autoFocus="first"
        renderEmptyState={() => (pending ? null : <p className="Palette-empty">Nothing is called that.</p>)}
      >
        {text.trim() === ''
          ? GROUPS.filter(group => items.some(({ item }) => item.group === group)).map(group => (
              <ListBoxSection key={group} id={group}>
                <Header className="Palette-group">{group}</Header>
                {items.filter(({ item }) => item.group === group).map(option)}
              </ListBoxSection>
            ))
          : items.map(option)}
      </ListBox>
    </Autocomplete>
  )
}

function PaletteOption({
  item,
  letters,
  onRun,
}: Ranked<PaletteItem> & { readonly onRun: (item: PaletteItem) => void }) {
  return (
    <ListBoxItem id={item.id} className="Item" textValue={item.title} onAction={() => onRun(item)}>
      <ChosenByMouse id={item.id}>
        {item.icon}
        <span className="truncate">
          <MarkedText text={item.title} letters={letters} />
        </span>
        {item.note === undefined ? null : <span className="muted small">{item.note}</span>}
        {item.keys === undefined ? null : <Kbd>{keysHere(item.keys)}</Kbd>}
      </ChosenByMouse>
    </ListBoxItem>
  )
}

/** A mouse that moves chooses; what comes to lie below one that rests is not chosen (react-aria's hovering would be). */
function ChosenByMouse({ id, children }: { readonly id: string; readonly children: ReactNode }) {
  const list = useContext(ListStateContext)?.selectionManager
  function onPointerMove(): void {
    if (list === undefined || list.focusedKey === id) return
    list.setFocused(true)
    list.setFocusedKey(id)
  }
  return (
    <div className="Palette-item" onPointerMove={onPointerMove}>
      {children}
    </div>
  )
}
