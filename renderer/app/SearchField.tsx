import { Search } from 'lucide-react'
import { useRef } from 'react'
import { Kbd } from '../ui/Kbd.tsx'

export interface SearchFieldProps {
  /** What is searched, for people who cannot see the placeholder. */
  readonly label: string
  readonly placeholder: string
  readonly value: string
  readonly onChange: (text: string) => void
  readonly onEnter?: () => void
}

/** The one search of a page, in its header: `/` goes to it, Escape clears it and leaves. */
export function SearchField({ label, placeholder, value, onChange, onEnter }: SearchFieldProps) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <search className="Search">
      <Search aria-hidden />
      <input
        ref={input}
        id="page-search"
        type="search"
        value={value}
        placeholder={placeholder}
        aria-label={label}
        onChange={event => onChange(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') onEnter?.()
          if (event.key === 'Escape') {
            input.current?.blur()
            onChange('')
          }
        }}
      />
      <Kbd>/</Kbd>
    </search>
  )
}
