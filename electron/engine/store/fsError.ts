import { type ErrorCode, StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { systemMeaning } from '#shared/domain/systemError.ts'

/** The system code of an error thrown by the disk (`ENOENT`, `EIO`, …), or null for anything else. */
export function systemCode(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return null
  return /^E[A-Z0-9]+$/.test(thrown.code) && !(thrown instanceof StatePackError) ? thrown.code : null
}

/** True where the disk or a database on it did not do what was asked, and for what is typed already; false for a mistake in the program. */
export function isStorageError(thrown: unknown): boolean {
  return systemCode(thrown) !== null || toStatePackError(thrown).code !== 'E_INTERNAL'
}

/**
 * Says what the store was doing when the disk failed, in a sentence and with the right code: a full disk, a read-only
 * disk, an unreadable store and a failing disk are different results. Errors that are already typed pass unchanged.
 */
export function storeError(thrown: unknown, doing: string, access: 'read' | 'write'): StatePackError {
  const system = systemCode(thrown)
  if (system === null) return toStatePackError(thrown)
  const message = `Could not ${doing}: ${systemMeaning(thrown)?.why ?? `the system said ${system}`}.`
  return new StatePackError(codeOf(thrown, system, access), message, { system }, thrown)
}

function codeOf(thrown: unknown, system: string, access: 'read' | 'write'): ErrorCode {
  // Its own files and folders, which nobody else takes away.
  if (system === 'ENOENT' || system === 'ENOTDIR') return 'E_STORE_UNREADABLE'
  if (access === 'read' && (system === 'EACCES' || system === 'EPERM')) return 'E_STORE_UNREADABLE'
  const { code } = toStatePackError(thrown)
  return code === 'E_INTERNAL' ? 'E_IO' : code
}
