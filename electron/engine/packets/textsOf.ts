import { hexOf } from '#shared/domain/digest.ts'
import { sha256 } from '../sha256.ts'
import type { PacketContext } from './context.ts'
import { type Packet, readDocuments } from './packet.ts'
import { plainText } from './plainText.ts'

/** A text by State Pack's measure. */
export interface TextMeasure {
  /** Bare hexadecimal. */
  readonly sha256: string
  /** UTF-8. */
  readonly bytes: number
}

/**
 * The texts that a stored state is the state of: the one it began with (State Pack's base) and, where only texts were merged
 * into it since, the whole. Empty for a mix, and where texts were withheld.
 */
export async function textsOf({ store }: Pick<PacketContext, 'store'>, packet: Packet): Promise<TextMeasure[]> {
  const { sources, recipe } = await readDocuments(store.blobs, packet)
  if (sources.length === 0 || packet.config.origin.kind === 'withheld') return []
  // What the bare model read first was appended to nothing.
  const base = sources.filter(({ appended }, place) => place === 0 || !appended)
  const texts = [plainText(recipe.systemPrompt, base)]
  const isText = !packet.config.segments.some(({ kind }) => kind === 'generated')
  if (isText && base.length < sources.length) texts.push(plainText(recipe.systemPrompt, sources))
  return texts.map(text => ({ sha256: hexOf(sha256(text)), bytes: Buffer.byteLength(text) }))
}
