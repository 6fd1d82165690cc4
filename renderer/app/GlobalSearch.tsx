import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useLocation, useNavigate } from 'react-router'
import { useStore } from 'zustand'
import { useStudio } from '../stores/studio.ts'
import { Kbd } from '../ui/Kbd.tsx'

/** The search of the library: filters as one types there, leads there from anywhere else. `/` goes to it. */
export function GlobalSearch() {
  const { library } = useStudio()
  const query = useStore(library, state => state.filter.query ?? '')
  const [text, setText] = useState(query)
  const inLibrary = useLocation().pathname.startsWith('/library')
  const navigate = useNavigate()
  const input = useRef<HTMLInputElement>(null)
  const pending = useRef<ReturnType<typeof setTimeout>>(undefined)

  useEffect(() => setText(query), [query])
  useEffect(() => () => clearTimeout(pending.current), [])

  function search(next: string, wait: number): void {
    clearTimeout(pending.current)
    pending.current = setTimeout(() => library.getState().setFilter({ query: next }), wait)
  }

  return (
    <search className="Search">
      <Search aria-hidden />
      <input
        ref={input}
        id="global-search"
        type="search"
        value={text}
        placeholder="Search names, cards, texts"
        aria-label="Search the library"
        onChange={event => {
          setText(event.target.value)
          // Cleared is cleared, wherever one is.
          if (inLibrary || event.target.value === '') search(event.target.value, inLibrary ? 120 : 0)
        }}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            search(text, 0)
            if (!inLibrary) navigate('/library')
          }
          if (event.key === 'Escape') {
            input.current?.blur()
            setText('')
            search('', 0)
          }
        }}
      />
      <Kbd>/</Kbd>
    </search>
  )
}
