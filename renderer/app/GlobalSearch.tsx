import { useEffect, useRef, useState } from 'react'
import { useLocation, useNavigate } from 'react-router'
import { useStore } from 'zustand'
import { useStudio } from '../stores/studio.ts'
import { SearchField } from './SearchField.tsx'

/** The search of the library: filters as one types there, leads there from anywhere else. */
export function GlobalSearch() {
  const { library } = useStudio()
  const query = useStore(library, state => state.filter.query ?? '')
  const [text, setText] = useState(query)
  const inLibrary = useLocation().pathname.startsWith('/library')
  const navigate = useNavigate()
  const pending = useRef<ReturnType<typeof setTimeout>>(undefined)

  useEffect(() => setText(query), [query])
  useEffect(() => () => clearTimeout(pending.current), [])

  function search(next: string, wait: number): void {
    clearTimeout(pending.current)
    pending.current = setTimeout(() => library.getState().setFilter({ query: next }), wait)
  }

  return (
    <SearchField
      label="Search the library"
      placeholder="Search names, cards, texts"
      value={text}
      onChange={next => {
        setText(next)
        // Cleared is cleared at once, wherever one is.
        if (next === '') search('', 0)
        else if (inLibrary) search(next, 120)
      }}
      onEnter={() => {
        search(text, 0)
        if (!inLibrary) navigate('/library')
      }}
    />
  )
}
