import type { QueryKey } from '@tanstack/react-query'

const numbers = new WeakMap<object, number>()
let last = 0

/** Tells inputs by the object that they are: those that hold whole texts are too long to be compared whenever a view is drawn. */
export function byIdentity([method, input]: QueryKey): string {
  if (typeof input !== 'object' || input === null) return String(method)
  const number = numbers.get(input) ?? ++last
  numbers.set(input, number)
  return `${method} ${number}`
}
