import { type KeyboardEvent, useRef } from 'react'
import type { Draft } from './useDraft.ts'

/** Arrow Up at the beginning of a field brings back what was asked before, Arrow Down what was being written. */
export function useRecall(asked: readonly string[], { text, write }: Draft): (event: KeyboardEvent) => void {
  const at = useRef({ index: -1, own: '' })
  return event => {
    const field = event.currentTarget
    if (!(field instanceof HTMLTextAreaElement) || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey)
      return
    // What was typed since begins anew.
    if (at.current.index >= 0 && asked[at.current.index] !== text) at.current.index = -1
    const { index } = at.current
    const isFirst = field.selectionStart === 0 && field.selectionEnd === 0
    const step =
      event.key === 'ArrowUp' && (index >= 0 || isFirst) ? 1 : event.key === 'ArrowDown' && index >= 0 ? -1 : 0
    const next = index + step
    if (step === 0 || next >= asked.length) return
    event.preventDefault()
    if (index < 0) at.current.own = text
    at.current.index = next
    write(asked[next] ?? at.current.own)
  }
}
