import type { Digest } from '#shared/domain/digest.ts'
import { sha256 } from '../sha256.ts'
import { plainText, type ReadText, withBom } from './plainText.ts'

/** A digest by which people look for the cartridge of a text. `whole`: of all that it was made from, so no text comes nearer. */
export interface TextDigest {
  readonly digest: Digest
  readonly whole: boolean
}

/** Of a cartridge that has read nothing but texts: the whole and each of them, with a byte-order mark and without. */
export function textDigests(systemPrompt: string | null, sources: readonly ReadText[]): TextDigest[] {
  const whole = plainText(systemPrompt, sources)
  return [
    ...[whole, withBom(whole)].map(text => ({ digest: sha256(text), whole: true })),
    ...sources.flatMap(({ text }) => [text, withBom(text)]).map(text => ({ digest: sha256(text), whole: false })),
  ]
}
