/**
 * The closed set of failures. One table gives each code its HTTP status and CLI exit code, so UI, CLI, HTTP and SDK
 * agree, and a new code cannot be added without deciding all of them. Nobody branches on message text.
 */
import { systemMeaning, systemSentence } from './systemError.ts'

/** `http`: status of the HTTP hosts. `exit`: exit code of the CLI (1 is reserved for a failed check, 2 for usage). */
interface ErrorClass {
  readonly http: number
  readonly exit: number
}

export const ERROR_CODES = {
  // What the caller sent
  E_USAGE: { http: 400, exit: 2 },
  E_BAD_INPUT: { http: 400, exit: 3 },
  E_BAD_JSON: { http: 400, exit: 4 },
  E_BAD_DIGEST: { http: 400, exit: 5 },
  E_EMPTY_TEXT: { http: 400, exit: 6 },
  E_NOT_TEXT: { http: 415, exit: 7 },
  E_TOO_LARGE: { http: 413, exit: 8 },
  E_CONTEXT_LENGTH: { http: 422, exit: 9 },
  E_NOT_FOUND: { http: 404, exit: 10 },
  E_AMBIGUOUS: { http: 409, exit: 11 },
  E_CONFLICT: { http: 409, exit: 12 },
  // Trust and integrity
  E_CORRUPT: { http: 422, exit: 20 },
  E_MISSING_BLOB: { http: 422, exit: 21 },
  E_BAD_FORMAT: { http: 422, exit: 22 },
  E_UNSUPPORTED_VERSION: { http: 422, exit: 23 },
  E_COMPONENT_MISMATCH: { http: 409, exit: 24 },
  E_NOT_RECOMPUTED: { http: 422, exit: 25 },
  E_BAD_SIGNATURE: { http: 422, exit: 26 },
  E_RECEIPT_LOG: { http: 422, exit: 27 },
  E_RESTRICTED: { http: 403, exit: 28 },
  E_NOT_SUPPORTED: { http: 422, exit: 29 },
  E_BLOCKED: { http: 403, exit: 30 },
  // Models
  E_UNKNOWN_MODEL: { http: 404, exit: 40 },
  E_MODEL_CONFIG: { http: 422, exit: 41 },
  E_MODEL_WEIGHTS: { http: 422, exit: 42 },
  E_MODEL_OFFLINE: { http: 503, exit: 43 },
  E_TOKENIZER: { http: 422, exit: 44 },
  E_DEVICE: { http: 503, exit: 45 },
  E_INFERENCE: { http: 500, exit: 46 },
  E_MEMORY: { http: 507, exit: 47 },
  // Storage
  E_STORE_UNREADABLE: { http: 500, exit: 50 },
  E_STORE_VERSION: { http: 500, exit: 51 },
  E_STORE_BUSY: { http: 503, exit: 52 },
  E_DISK_FULL: { http: 507, exit: 53 },
  E_READ_ONLY: { http: 500, exit: 54 },
  E_IO: { http: 500, exit: 55 },
  E_PERMISSION: { http: 403, exit: 56 },
  // Network and hosts
  E_NETWORK: { http: 502, exit: 60 },
  E_UNAUTHORIZED: { http: 401, exit: 61 },
  E_FORBIDDEN: { http: 403, exit: 62 },
  E_BUSY: { http: 429, exit: 63 },
  E_ENGINE_DOWN: { http: 503, exit: 64 },
  E_SPENDING_CAP: { http: 402, exit: 65 },
  E_BAD_METHOD: { http: 405, exit: 66 },
  // The rest
  E_CANCELLED: { http: 499, exit: 130 },
  E_INTERNAL: { http: 500, exit: 70 },
} as const satisfies Record<string, ErrorClass>

export type ErrorCode = keyof typeof ERROR_CODES

/** Machine-readable context of an error: which component, what was expected, what was found, where. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>

/** Every error the product throws on purpose. Anything else that is thrown becomes `E_INTERNAL` at the boundary. */
export class StatePackError extends Error {
  override readonly name = 'StatePackError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

/** The error as a value that can cross a process or network boundary. */
export interface ErrorValue {
  readonly code: ErrorCode
  readonly message: string
  readonly details: ErrorDetails
}

/** Turns anything thrown into a {@link StatePackError}: cancellations, system errors, and the unexpected. */
export function toStatePackError(thrown: unknown): StatePackError {
  if (thrown instanceof StatePackError) return thrown
  if (thrown instanceof Error) {
    if (thrown.name === 'AbortError') return new StatePackError('E_CANCELLED', 'Cancelled.', {}, thrown)
    const known = systemMeaning(thrown)
    if (known !== null) {
      return new StatePackError(known.code, systemSentence(thrown, known.why), { system: known.system }, thrown)
    }
    return new StatePackError('E_INTERNAL', thrown.message, {}, thrown)
  }
  return new StatePackError('E_INTERNAL', String(thrown))
}

/** The serialisable form of {@link toStatePackError}. */
export function toErrorValue(thrown: unknown): ErrorValue {
  const { code, message, details } = toStatePackError(thrown)
  return { code, message, details }
}
