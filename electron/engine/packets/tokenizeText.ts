import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import { sha256 } from '../sha256.ts'
import { tokenizerOf } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { readPacket } from './packet.ts'
import { resolvePacketId } from './resolveRef.ts'

/** Token ids of a text alone, with State Pack's token trace: SHA-256 of the compact JSON of the ids. */
export async function tokenizeText(
  context: PacketContext,
  input: { model?: string | undefined; ref?: string | undefined; text: string },
): Promise<Output<'packets.tokenize'>> {
  const tokenizer = tokenizerOf(await context.models.open(await modelOf(context, input)))
  const tokens = [...tokenizer.encode(input.text)]
  return {
    tokens,
    count: tokens.length,
    tokenTrace: hexOf(sha256(JSON.stringify(tokens))),
    pieces: tokens.map(id => tokenizer.decode([id])),
  }
}

async function modelOf(
  context: PacketContext,
  { model, ref }: { model?: string | undefined; ref?: string | undefined },
) {
  if (model !== undefined) return model
  if (ref === undefined) throw new StatePackError('E_BAD_INPUT', 'Say which model, or whose model, is to tokenise.')
  const packet = await readPacket(context.blobs, await resolvePacketId(context, ref))
  return (await context.models.forFingerprint(packet.config.model, sameModel)).id
}
