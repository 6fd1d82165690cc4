import { useState } from 'react'
import { Markdown } from '../../ui/Markdown.tsx'

/** A cartridge's card; a long one is folded until asked for. */
export function CardText({ text }: { readonly text: string }) {
  const [open, setOpen] = useState(false)
  const isLong = text.length > 260 || text.split('\n').length > 8
  return (
    <div className={`CardText${isLong && !open ? ' CardText--folded' : ''}`}>
      <div className="CardText-body">
        <Markdown text={text} />
      </div>
      {isLong ? (
        <button type="button" className="link small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'Less' : 'More'}
        </button>
      ) : null}
    </div>
  )
}
