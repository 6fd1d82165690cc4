/** What the page may ask of the machine: to put text on the clipboard when a person presses “Copy”. Nothing else. */
import { isOwnPage } from './appScheme.ts'

const GRANTED: ReadonlySet<string> = new Set(['clipboard-sanitized-write'])

export function mayUse(permission: string, requestedBy: string): boolean {
  return GRANTED.has(permission) && isOwnPage(requestedBy)
}
