import { allows } from '#shared/domain/trust.ts'
import type { Model } from '../models/model.ts'
import { sha256 } from '../sha256.ts'
import { type ComposedText, composeText, type TextInput } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { readDocuments, readPacket } from './packet.ts'
import { withoutBom } from './plainText.ts'

/**
 * Makes a text ready to be read. Where the chat template writes the date, texts that a cartridge in the library has read
 * already are told the date of that reading, so that they stay one context from day to day; a date that was asked for wins.
 */
export async function composeAsBefore(context: PacketContext, model: Model, input: TextInput): Promise<ComposedText> {
  const now = composeText(model, input)
  if (now.recipe.chat?.time === undefined || input.time !== undefined || input.chat !== undefined) return now
  const time = await timeOfEarlierReading(context, model, input)
  return time === null ? now : composeText(model, { ...input, time })
}

/** What the template was told when these texts were read last; null when they were not. */
async function timeOfEarlierReading(
  { store, blobs }: PacketContext,
  model: Model,
  { sources, systemPrompt }: TextInput,
): Promise<string | null> {
  const wanted = sources.map(({ text }) => sha256(withoutBom(text))).join()
  const { items } = await store.list({ limit: 10_000 })
  for (const item of items) {
    if (item.weightsDigest !== model.fingerprint.weightsDigest) continue
    const trust = store.library.packets.get(item.packetId)?.trust
    if (trust === undefined || !allows(trust, 'run')) continue
    const packet = await readPacket(blobs, item.packetId)
    if (!sameModel(packet.config.model, model.fingerprint)) continue
    const { recipe, sources: read } = await readDocuments(blobs, packet)
    if (recipe?.chat?.time === undefined || recipe.systemPrompt !== (systemPrompt ?? null)) continue
    if (read.map(({ digest }) => digest).join() === wanted) return recipe.chat.time
  }
  return null
}
