import type { Digest } from '#shared/domain/digest.ts'
import { sha256 } from '../sha256.ts'
import { plainText, withBom } from './plainText.ts'

/** A digest by which people look for the cartridge of a text. `whole`: of all that it was made from, so no text comes nearer. */
export interface TextDigest {
  readonly digest: Digest
  readonly whole: boolean
}

/**
 * Of a cartridge made from texts: the whole (what its receipt calls `base_sha256`) and each file, with a byte-order mark and
 * without. With `grown`, every text after the first was merged, without a blank line between.
 */
export function textDigests(systemPrompt: string | null, texts: readonly string[], grown: boolean): TextDigest[] {
  const whole = grown
    ? `${plainText(systemPrompt, texts.slice(0, 1))}${texts.slice(1).join('')}`
    : plainText(systemPrompt, texts)
  return [
    ...[whole, withBom(whole)].map(text => ({ digest: sha256(text), whole: true })),
    ...texts.flatMap(text => [text, withBom(text)]).map(text => ({ digest: sha256(text), whole: false })),
  ]
}
