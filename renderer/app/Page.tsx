import { type ReactNode, useEffect } from 'react'
import { dotted } from '../ui/dotted.ts'
import { CommandButton } from './CommandButton.tsx'
import { GlobalSearch } from './GlobalSearch.tsx'
import { SearchField, type SearchFieldProps } from './SearchField.tsx'
import './page.css'

export interface PageProps {
  readonly title: string
  /** Of a page that is searched itself, in the place of the library's search. */
  readonly search?: SearchFieldProps
  /** Buttons at the right of the header, the primary one last. */
  readonly actions?: ReactNode
  /** The body fills the window and scrolls inside its parts (lists, panes) instead of as a whole. */
  readonly fill?: boolean
  readonly children: ReactNode
}

/** The frame of every route: title, search, actions, commands, and a body that scrolls below. */
export function Page({ title, search, actions, fill = false, children }: PageProps) {
  useEffect(() => {
    document.title = dotted(title, 'State Pack Studio')
  }, [title])
  return (
    <>
      <header className="Page-head">
        <h1>{title}</h1>
        {search === undefined ? <GlobalSearch /> : <SearchField {...search} />}
        <span className="grow" />
        <div className="Page-actions">{actions}</div>
        <CommandButton />
      </header>
      <div className={fill ? 'Page-body Page-body--fill' : 'Page-body'}>{children}</div>
    </>
  )
}
