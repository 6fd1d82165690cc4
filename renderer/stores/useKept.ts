import { type Dispatch, type SetStateAction, useCallback, useEffect, useState } from 'react'
import type { z } from 'zod'

const PREFIX = 'statepack.kept.'
/** What is kept, by key, over all pages of this window. */
const values = new Map<string, unknown>()
const unsaved = new Set<string>()
let timer: ReturnType<typeof setTimeout> | undefined

/** Writes what changed to the tab's own storage, which a reload keeps and other windows do not see. */
function save(): void {
  clearTimeout(timer)
  if (typeof sessionStorage === 'undefined') return
  for (const key of unsaved) {
    try {
      const value = values.get(key)
      if (value === undefined) sessionStorage.removeItem(PREFIX + key)
      else sessionStorage.setItem(PREFIX + key, JSON.stringify(value))
    } catch {
      // Over the storage's limit of some million characters: kept while the window is open.
      sessionStorage.removeItem(PREFIX + key)
    }
  }
  unsaved.clear()
}
if (typeof window !== 'undefined') window.addEventListener('pagehide', save)

/** What was kept under `key`, or `initial`. */
export function kept<T>(key: string, schema: z.ZodType<T>, initial: T): T {
  if (typeof sessionStorage === 'undefined') return initial
  if (values.has(key)) return values.get(key) as T
  try {
    return schema.parse(JSON.parse(sessionStorage.getItem(PREFIX + key) ?? 'null'))
  } catch {
    return initial
  }
}

/** Keeps a value; undefined forgets it. */
export function keep(key: string, value: unknown): void {
  values.set(key, value)
  unsaved.add(key)
  clearTimeout(timer)
  timer = setTimeout(save, 300)
}

/** State that outlives its page and a reload of the window, for what a person has begun: drafts, lists, choices. */
export function useKept<T>(key: string, schema: z.ZodType<T>, initial: T): [T, Dispatch<SetStateAction<T>>] {
  const [value, setValue] = useState(() => kept(key, schema, initial))
  useEffect(() => {
    if (value !== kept(key, schema, initial)) keep(key, value)
  }, [key, schema, initial, value])
  return [value, useCallback(next => setValue(next), [])]
}
