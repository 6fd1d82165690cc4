import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { COMMANDS, isCommandId } from '#shared/domain/commands.ts'
import { PLACES, type Place } from '#shared/domain/places.ts'
import { runCommand } from './runCommand.ts'

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/** As the tables of places and commands write it: `Mod+K`, `?`; null for what is no shortcut here. */
function keysOf(event: KeyboardEvent): string | null {
  if (event.altKey) return null
  if (!event.ctrlKey && !event.metaKey) return event.key
  return event.shiftKey ? null : `Mod+${event.key.toUpperCase()}`
}

/** Listens for the keys of places and commands, in the whole window. A single key is none while one types or a dialog is open. */
export function useShortcuts(): void {
  const navigate = useNavigate()
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent): void {
      const keys = keysOf(event)
      if (keys === null) return
      const single = !keys.startsWith('Mod+')
      if (single && (isTyping(event.target) || document.querySelector('[role="dialog"]') !== null)) return
      const place = PLACES.find((one: Place) => one.keys === keys)
      const command = Object.keys(COMMANDS)
        .filter(isCommandId)
        .find(id => COMMANDS[id].keys === keys)
      // In a field it takes back what was typed.
      if (command === 'undo' && isTyping(event.target)) return
      if (place !== undefined) void navigate(place.path)
      else if (command === undefined || !runCommand(command)) return
      event.preventDefault()
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [navigate])
}
