import { type ErrorCode, StatePackError, toStatePackError } from '#shared/domain/error.ts'

/** The system code of an error thrown by the disk (`ENOENT`, `EIO`, …), or null for anything else. */
export function systemCode(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return null
  return /^E[A-Z0-9]+$/.test(thrown.code) && !(thrown instanceof StatePackError) ? thrown.code : null
}

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk is read-only',
  EACCES: 'permission was denied',
  EPERM: 'permission was denied',
  EIO: 'the disk reported an error',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ENOENT: 'it is not there',
  ENOTDIR: 'a file is where a folder should be',
}

/**
 * Says what the store was doing when the disk failed, in a sentence and with the right code: a full disk, a read-only
 * disk, an unreadable store and a failing disk are different results. Errors that are already typed pass unchanged.
 */
export function storeError(thrown: unknown, doing: string, access: 'read' | 'write'): StatePackError {
  const system = systemCode(thrown)
  if (system === null) return toStatePackError(thrown)
  const message = `Could not ${doing}: ${WHY[system] ?? `the system said ${system}`}.`
  return new StatePackError(codeOf(thrown, system, access), message, { system }, thrown)
}

function codeOf(thrown: unknown, system: string, access: 'read' | 'write'): ErrorCode {
  if (system === 'ENOTDIR') return 'E_STORE_UNREADABLE'
  if (access === 'read' && (system === 'EACCES' || system === 'EPERM')) return 'E_STORE_UNREADABLE'
  const { code } = toStatePackError(thrown)
  return code === 'E_INTERNAL' ? 'E_IO' : code
}
