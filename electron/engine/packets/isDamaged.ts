import { StatePackError } from '#shared/domain/error.ts'

const DAMAGE: ReadonlySet<string> = new Set(['E_CORRUPT', 'E_MISSING_BLOB', 'E_NOT_FOUND', 'E_BAD_FORMAT'])

/** What is stored is not there or not what it should be, so it is made again. A disk that fails to answer says neither. */
export function isDamaged(thrown: unknown): boolean {
  return thrown instanceof StatePackError && DAMAGE.has(thrown.code)
}

/** For `.catch`: null for what is damaged, anything else thrown on. */
export function damagedAsNull(thrown: unknown): null {
  if (isDamaged(thrown)) return null
  throw thrown
}
