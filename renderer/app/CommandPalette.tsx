import { Search } from 'lucide-react'
import { Fragment, type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { Dialog, Modal, ModalOverlay } from 'react-aria-components'
import { Kbd } from '../ui/Kbd.tsx'
import { keysHere } from './keysHere.ts'
import { useUi } from './uiStore.ts'
import { usePaletteItems } from './usePaletteItems.tsx'
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

const optionId = (index: number) => `palette-${index}`

/** A combobox whose list is always open; the first entry is chosen until the arrows say otherwise. */
function PaletteBody() {
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const items = usePaletteItems(text)
  const list = useRef<HTMLDivElement>(null)
  const current = Math.min(active, items.length - 1)

  useEffect(() => {
    list.current?.querySelector(`#${optionId(current)}`)?.scrollIntoView({ block: 'nearest' })
  }, [current])

  function run(index: number): void {
    const item = items[index]?.item
    if (item === undefined) return
    useUi.getState().openPalette(false)
    item.run()
  }
  function onKeyDown(event: KeyboardEvent): void {
    const last = items.length - 1
    const next = {
      ArrowDown: current === last ? 0 : current + 1,
      ArrowUp: current <= 0 ? last : current - 1,
      PageDown: Math.min(last, current + 8),
      PageUp: Math.max(0, current - 8),
    }[event.key]
    if (next !== undefined) setActive(next)
    else if (event.key === 'Enter') run(current)
    else return
    event.preventDefault()
  }

  return (
    <>
      <div className="Palette-field">
        <Search aria-hidden />
        <input
          // The palette is opened to type into.
          // biome-ignore lint/a11y/noAutofocus: see above
          autoFocus
          role="combobox"
          aria-expanded
          aria-controls="palette-list"
          aria-activedescendant={current < 0 ? undefined : optionId(current)}
          aria-label="Find a place, an action, a question or a cartridge"
          placeholder="Find a place, an action, a question or a cartridge"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={event => {
            setText(event.target.value)
            setActive(0)
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div className="Palette-list" id="palette-list" role="listbox" aria-label="Commands" ref={list}>
        {items.length === 0 ? <p className="Palette-empty">Nothing is called that.</p> : null}
        {items.map(({ item, letters }, index) => (
          <Fragment key={item.id}>
            {text.trim() === '' && item.group !== items[index - 1]?.item.group ? (
              <div className="Palette-group" role="presentation">
                {item.group}
              </div>
            ) : null}
            {/* The combobox keeps the focus and handles the keys (aria-activedescendant). */}
            {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: see above */}
            <div
              id={optionId(index)}
              role="option"
              aria-selected={index === current}
              className="Item"
              data-focused={index === current || undefined}
              onPointerMove={() => setActive(index)}
              onClick={() => run(index)}
            >
              {item.icon}
              <span className="truncate">
                <Marked text={item.title} letters={letters} />
              </span>
              {item.note === undefined ? null : <span className="muted small">{item.note}</span>}
              {item.keys === undefined ? null : <Kbd>{keysHere(item.keys)}</Kbd>}
            </div>
          </Fragment>
        ))}
      </div>
    </>
  )
}

/** A text with the letters marked that were typed, those beside each other together. */
function Marked({ text, letters }: { readonly text: string; readonly letters: readonly number[] }) {
  if (letters.length === 0) return text
  const typed = new Set(letters)
  const runs: { text: string; marked: boolean }[] = []
  for (let at = 0; at < text.length; at += 1) {
    const last = runs.at(-1)
    const letter = text.charAt(at)
    if (last !== undefined && last.marked === typed.has(at)) last.text += letter
    else runs.push({ text: letter, marked: typed.has(at) })
  }
  // biome-ignore lint/suspicious/noArrayIndexKey: runs of one text never move
  return runs.map((run, at) => (run.marked ? <mark key={at}>{run.text}</mark> : <span key={at}>{run.text}</span>))
}
