import { type FocusEvent, Fragment, type KeyboardEvent, type MouseEvent, memo, useMemo, useRef } from 'react'
import type { TraceStep } from '#shared/rpc/methods/receipts.ts'
import { formatBits, surpriseLevel } from './surprisal.ts'

interface TraceTextProps {
  readonly label: string
  readonly steps: readonly TraceStep[]
  readonly selected: number | null
  readonly onSelect: (index: number) => void
}

/** A chunk is drawn again only when the selection enters or leaves it. */
const CHUNK = 200

/** A text, each token on a ground that says how surprising it was. One tab stop; arrow keys go from token to token. */
export function TraceText({ label, steps, selected, onSelect }: TraceTextProps) {
  const host = useRef<HTMLDivElement>(null)
  const chunks = useMemo(
    () => Array.from({ length: Math.ceil(steps.length / CHUNK) }, (_, i) => steps.slice(i * CHUNK, (i + 1) * CHUNK)),
    [steps],
  )
  const select = ({ target }: MouseEvent | FocusEvent) => {
    const position = target instanceof HTMLElement ? target.dataset.position : undefined
    if (position !== undefined) onSelect(Number(position))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const from = selected ?? 0
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: steps.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    const next = Math.min(steps.length - 1, Math.max(0, to))
    onSelect(next)
    host.current?.querySelector<HTMLElement>(`[data-position="${next}"]`)?.focus()
  }
  return (
    <div
      ref={host}
      className="TraceText"
      role="toolbar"
      aria-label={label}
      onClick={select}
      onFocus={select}
      onKeyDown={onKeyDown}
    >
      {chunks.map((chunk, index) => {
        const start = index * CHUNK
        const inside = selected !== null && selected >= start && selected < start + chunk.length
        return (
          <Chunk
            key={start}
            steps={chunk}
            start={start}
            selected={inside ? selected : null}
            hasStop={selected === null && start === 0}
          />
        )
      })}
    </div>
  )
}

interface ChunkProps {
  readonly steps: readonly TraceStep[]
  readonly start: number
  readonly selected: number | null
  /** Nothing is selected yet: the first token takes the tab stop. */
  readonly hasStop: boolean
}

const Chunk = memo(function Chunk({ steps, start, selected, hasStop }: ChunkProps) {
  return steps.map(({ text, surprisalBits }, index) => {
    const position = start + index
    return (
      <Fragment key={position}>
        <button
          type="button"
          className="TraceText-token"
          data-position={position}
          data-level={surpriseLevel(surprisalBits)?.level ?? 'none'}
          aria-pressed={position === selected}
          aria-label={`${text.trim() === '' ? JSON.stringify(text) : text}, ${surprisalBits === null ? 'not predicted' : formatBits(surprisalBits)}`}
          tabIndex={position === selected || (hasStop && index === 0) ? 0 : -1}
        >
          {text.replaceAll('\n', '↵')}
        </button>
        {/* A button is a box of its own: a line break inside it would not break the line. */}
        {text.includes('\n') ? '\n' : null}
      </Fragment>
    )
  })
})
