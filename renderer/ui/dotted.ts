import { NO_BREAK } from './noBreak.ts'

/** Between parts of a line. It stays with the part before it, so that no line begins with a dot. */
export const DOT = `${NO_BREAK}· `

/** Parts of one line, with a dot between those that are there. */
export function dotted(...parts: readonly (string | null | false)[]): string {
  return parts.filter(part => part !== null && part !== false && part !== '').join(DOT)
}
