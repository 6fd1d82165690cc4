import canonicalize from 'canonicalize'
import { StatePackError } from '#shared/domain/error.ts'

/**
 * Canonical JSON as text: members sorted by UTF-16 code unit, shortest number form, no white space (RFC 8785). Members
 * whose value is `undefined` are left out. Throws `E_BAD_INPUT` for what JSON cannot say: NaN, infinities, lone
 * surrogates, bigints, functions, cycles.
 */
export function canonicalText(value: unknown): string {
  let text: string | undefined
  try {
    text = canonicalize(value)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StatePackError('E_BAD_INPUT', `This value has no canonical JSON form: ${reason}.`, {}, cause)
  }
  if (text === undefined) throw new StatePackError('E_BAD_INPUT', `A ${typeof value} has no canonical JSON form.`)
  return text
}

/** {@link canonicalText} as UTF-8 bytes: equal values give equal bytes on every machine. */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalText(value))
}
