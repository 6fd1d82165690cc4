/**
 * What people call a cartridge: one line of Unicode in its composed form (NFC), at most 200 characters. Never something
 * that holds a digest: references and pointer files are named by digests, and a name must not be taken for one.
 */
import { z } from 'zod'

const LONGEST = 200
const DIGEST_LIKE = /^sha256:|[0-9a-f]{64}/iu
/** Control characters, ends of lines, and marks that turn the direction: with them a name shows otherwise than it is. */
const UNSEEN = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

/** A name as a person gives it: composed and trimmed here, refused when it is empty, too long or looks like a digest. */
export const nameSchema = z
  .string()
  .normalize('NFC')
  .trim()
  .min(1, 'a name cannot be empty')
  .max(LONGEST, `a name has at most ${LONGEST} characters`)
  .refine(name => !UNSEEN.test(name), 'a name is one line of plain text')
  .refine(name => !DIGEST_LIKE.test(name), 'a name cannot look like a digest')

/** The form in which names are stored and compared: two ways to write é are one. */
export function normalName(name: string): string {
  return name.normalize('NFC').trim()
}

/** True when a cartridge may have exactly this name. */
export function isName(name: string): boolean {
  return nameSchema.safeParse(name).data === name
}

/** A name made of a title that nobody checked: a file's, a stranger's. */
export function nameFromTitle(title: string): string {
  const line = normalName(title.replace(/[\p{Cc}\s\u202a-\u202e\u2066-\u2069]+/gu, ' '))
  if (DIGEST_LIKE.test(line)) return `Untitled ${/[0-9a-f]{8}(?=[0-9a-f]{56})/i.exec(line)?.[0] ?? ''}`.trim()
  // Whole characters, and room for a number behind.
  return (
    line
      .slice(0, LONGEST - 20)
      .replace(/[\uD800-\uDBFF]$/, '')
      .trim() || 'Untitled'
  )
}
