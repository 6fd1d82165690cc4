import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { undoLast } from '../ui/toasts.tsx'
import { openFiles } from './openFiles.ts'
import { useUi } from './uiStore.ts'

/** The keys of the whole window; `help` lists them. Typing in a field is never taken for a single-key shortcut. */
export const SHORTCUTS = [
  { keys: 'Mod K', does: 'Commands: find anything' },
  { keys: 'Mod N', does: 'New cartridge' },
  { keys: 'Mod O', does: 'Import a .cartridge file' },
  { keys: 'Mod ,', does: 'Settings' },
  { keys: '/', does: 'Search the library' },
  { keys: '?', does: 'This list' },
  { keys: 'Esc', does: 'Close, or clear the selection' },
  { keys: 'Enter', does: 'Ask the selected cartridge' },
  { keys: 'F2', does: 'Rename the selected cartridge' },
  { keys: 'Del', does: 'Delete the selected cartridges (can be undone)' },
  { keys: 'Mod Z', does: 'Undo the last deletion, from anywhere' },
  { keys: 'F8', does: 'Go to the messages at the bottom' },
] as const

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/** Listens for the keys of {@link SHORTCUTS} that work everywhere. */
export function useShortcuts(): void {
  const navigate = useNavigate()
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent): void {
      const ui = useUi.getState()
      if ((event.ctrlKey || event.metaKey) && !event.altKey) {
        // In a field it takes back what was typed.
        const undoes = event.key.toLowerCase() === 'z' && !event.shiftKey && !isTyping(event.target)
        if (undoes && undoLast()) event.preventDefault()
        const action = {
          k: () => ui.openPalette(!ui.paletteOpen),
          n: () => navigate('/new'),
          o: () => openFiles('.cartridge', files => ui.setImports(files)),
          ',': () => navigate('/settings'),
        }[event.key.toLowerCase()]
        if (action === undefined) return
        event.preventDefault()
        action()
        return
      }
      if (event.altKey || isTyping(event.target) || document.querySelector('[role="dialog"]') !== null) return
      if (event.key === '/') {
        event.preventDefault()
        document.getElementById('global-search')?.focus()
      }
      if (event.key === '?') {
        event.preventDefault()
        ui.openHelp(true)
      }
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [navigate])
}
