import type { CartridgeConfig, Fingerprint, Origin } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { sha256 } from '../sha256.ts'

/** The part of a fingerprint that says which numbers a model computes with: its name is what people call it. */
function identity({ architecture, configDigest, weightsDigest, tokenizerDigest, precision }: Fingerprint) {
  return { architecture, configDigest, weightsDigest, tokenizerDigest, precision }
}

/** True when states of one model can be restored into the other. */
export function sameModel(a: Fingerprint, b: Fingerprint): boolean {
  return modelIdentity(a) === modelIdentity(b)
}

/** Digest of what a model computes with: equal for models whose states can be restored into each other. */
export function modelIdentity(fingerprint: Fingerprint): Digest {
  return sha256(canonicalBytes(identity(fingerprint)))
}

const NO_TOKENS = sha256('')

export interface ContextIdentity {
  readonly model: Fingerprint
  readonly origin: Origin
  readonly tokensDigest: Digest
  readonly tailDigest: Digest
}

/**
 * What a context *is*, on every machine: the model and what it has read, or for a mix what was mixed, for a state whose texts
 * are not told which ones those are said to be. Creating A+B and merging B into A give the same context_id (docs/format.md,
 * "Identifiers").
 */
export function contextId({ model, origin, tokensDigest, tailDigest }: ContextIdentity): Digest {
  const v = 1
  const read = { v, model: identity(model), tokensDigest, tailDigest }
  if (origin.kind === 'tokens') return sha256(canonicalBytes(read))
  // What it has read since belongs to it; one that has read nothing yet has no tokens to name.
  const isUnread = tokensDigest === NO_TOKENS
  return sha256(canonicalBytes(isUnread ? { v, model: read.model, origin, tailDigest } : { ...read, origin }))
}

/** The context of a cartridge, from its config. */
export function contextIdOf({ model, origin, tokens, tail }: CartridgeConfig): Digest {
  return contextId({ model, origin, tokensDigest: tokens.digest, tailDigest: tail.digest })
}

/** SHA-256 of the token ids as int32 little-endian: also the digest of the tokens layer. */
export function tokensDigest(tokens: Int32Array): Digest {
  return sha256(tokenBytes(tokens))
}

/** Token ids as int32 little-endian bytes. */
export function tokenBytes(tokens: Int32Array): Uint8Array {
  const bytes = new Uint8Array(tokens.length * 4)
  const view = new DataView(bytes.buffer)
  tokens.forEach((id, index) => {
    view.setInt32(index * 4, id, true)
  })
  return bytes
}

/** The reverse of {@link tokenBytes}. */
export function tokensFromBytes(bytes: Uint8Array): Int32Array {
  const tokens = new Int32Array(Math.floor(bytes.byteLength / 4))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let index = 0; index < tokens.length; index++) tokens[index] = view.getInt32(index * 4, true)
  return tokens
}
