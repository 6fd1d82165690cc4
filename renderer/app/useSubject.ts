import { useLocation } from 'react-router'
import { useStore } from 'zustand'
import { useStudio } from '../stores/studio.ts'

import { slotsIn } from './askAddress.ts'
import type { Cartridges } from './cartridgeVerbs.ts'

const NONE: readonly string[] = []

/** The cartridges that a command typed now is about: the one that is open, or those selected in the library; null for none. */
export function useSubject(): Cartridges | null {
  const { library } = useStudio()
  const { pathname } = useLocation()
  // What was chosen before is not what is being chosen.
  const selected = useStore(library, state => (state.choosing === null ? state.selected : NONE))
  const open = /^\/(?:ask|inspect|remix)\/([^/]+)$/.exec(pathname)?.[1]
  const [first, ...others] =
    open !== undefined ? slotsIn(decodeURIComponent(open)) : pathname === '/library' ? selected : []
  return first === undefined ? null : [first, ...others]
}
