/**
 * Content digests in OCI form: `sha256:` followed by 64 lower-case hexadecimal digits.
 * The brand means a `Digest` can only come from {@link parseDigest} (or a hash function built on it),
 * so anything that turns a digest into a path or a key cannot be handed foreign text.
 */
import { StatePackError } from './error.ts'

declare const digestBrand: unique symbol
/** A parsed SHA-256 digest, e.g. `sha256:9f2c…` (71 characters). */
export type Digest = string & { readonly [digestBrand]: true }

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** True when `text` is a digest in OCI form. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text)
}

/** Parses `sha256:<64 hex>`; bare 64-digit hex is accepted too. Throws `E_BAD_DIGEST`. */
export function parseDigest(text: string): Digest {
  const full = /^[0-9a-f]{64}$/.test(text) ? `sha256:${text}` : text
  if (!isDigest(full)) {
    throw new StatePackError('E_BAD_DIGEST', `Not a SHA-256 digest: ${JSON.stringify(text.slice(0, 80))}`)
  }
  return full
}

/** The 64 hexadecimal digits, without the algorithm prefix. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}
