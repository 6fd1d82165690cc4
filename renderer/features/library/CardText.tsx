import { useState } from 'react'
import { Markdown } from '../../ui/Markdown.tsx'

/** A cartridge's card; a long one is folded until asked for. */
export function CardText({ text: card, name }: { readonly text: string; readonly name: string }) {
  const [open, setOpen] = useState(false)
  const text = withoutTitle(card, name)
  const isLong = text.length > 260 || text.split('\n').length > 8
  return (
    <div className={`CardText${isLong && !open ? ' CardText--folded' : ''}`}>
      <div className="CardText-body">
        <Markdown text={text} />
      </div>
      {isLong ? (
        <button type="button" className="link small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'Fold the card' : 'Read the whole card'}
        </button>
      ) : null}
    </div>
  )
}

/** Cards begin with a title that mostly repeats the name standing right above. */
function withoutTitle(card: string, name: string): string {
  const [, title = '', rest = ''] = card.match(/^#\s+(.*)\n+([\s\S]*)$/) ?? []
  return title !== '' && name.startsWith(title.trim()) ? rest : card
}
