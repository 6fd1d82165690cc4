import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { sha256 } from '../sha256.ts'
import type { PacketContext } from './context.ts'
import { grownFrom } from './grownFrom.ts'
import { type Packet, readDocuments, readPacket } from './packet.ts'
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
 * into it since, the whole. Empty for a mix, and for one whose beginning is no longer in the library.
 */
export async function textsOf({ store }: Pick<PacketContext, 'store'>, packet: Packet): Promise<TextMeasure[]> {
  const first = await beginningOf(store, packet)
  if (first === null) return []
  const { sources, recipe } = await readDocuments(store.blobs, first)
  if (sources.length === 0) return []
  const base = plainText(
    recipe?.systemPrompt,
    sources.map(({ text }) => text),
  )
  if (first === packet || packet.config.segments.some(({ kind }) => kind === 'generated')) return [measure(base)]
  const merged = (await readDocuments(store.blobs, packet)).sources.slice(sources.length)
  return [measure(base), measure(`${base}${merged.map(({ text }) => text).join('')}`)]
}

async function beginningOf(store: PacketContext['store'], packet: Packet): Promise<Packet | null> {
  const seen = new Set<Digest>()
  let at: Packet | null = packet
  for (let parent = grownFrom(packet.config); at !== null && parent !== null; parent = at && grownFrom(at.config)) {
    if (seen.has(parent)) return null
    seen.add(parent)
    at = await readPacket(store.blobs, parent).catch(() => null)
  }
  return at
}

function measure(text: string): TextMeasure {
  return { sha256: hexOf(sha256(text)), bytes: Buffer.byteLength(text) }
}
