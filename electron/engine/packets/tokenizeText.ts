import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import { sha256 } from '../sha256.ts'
import { tokenizerOf } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { type DeltaInput, deltaOf } from './deltaOf.ts'
import { type Face, readFace } from './face.ts'
import { emptyText, splitDelta } from './growState.ts'
import { textStateOf } from './openState.ts'
import { resolvePacketId } from './resolveRef.ts'

export interface TokenizeInput {
  readonly model?: string | undefined
  readonly ref?: string | undefined
  readonly text: string
}

export interface CountInput extends TokenizeInput {
  /** As a question: what asking it would read, the template around it and what the state holds back included. */
  readonly chat?: boolean
  /** Of a conversation that it begins; see `DeltaInput`. */
  readonly system?: string | undefined
  readonly turns?: DeltaInput['turns']
  readonly tools?: DeltaInput['tools']
}

/** Token ids of a text, with State Pack's token trace: SHA-256 of the compact JSON of the ids. */
export async function tokenizeText(context: PacketContext, input: TokenizeInput): Promise<Output<'packets.tokenize'>> {
  const { id } = await whose(context, input)
  const tokenizer = tokenizerOf(await context.models.open(id))
  const tokens = [...tokenizer.encode(input.text)]
  return {
    tokens,
    count: tokens.length,
    tokenTrace: hexOf(sha256(JSON.stringify(tokens))),
    pieces: tokens.map(token => tokenizer.decode([token])),
  }
}

/** How many tokens a text has, alone or as a question. */
export async function countText(context: PacketContext, input: CountInput): Promise<Output<'packets.count'>> {
  const { face, id } = await whose(context, input)
  const model = await context.models.open(id)
  const count = input.chat
    ? await countAsked(context, { face, model }, input)
    : tokenizerOf(model).encode(input.text).length
  return { count, before: face?.tokens.length ?? 0 }
}

async function countAsked(
  { blobs }: PacketContext,
  { face, model }: { face: Face | null; model: Parameters<typeof emptyText>[0]['model'] },
  { text, system, turns, tools }: CountInput,
): Promise<number> {
  const before =
    face === null ? { ...emptyText({ model }), packet: null } : { ...textStateOf(face, { model }), packet: face.packet }
  const { base, delta } = await deltaOf(blobs, before, { delta: text, chat: true, system, turns, tools })
  const { prefix, fold, tailTokens } = splitDelta(base, delta, 'exact')
  return prefix.length + fold.length + tailTokens.length
}

/** The cartridge, if one is named, and the installed model. */
async function whose(
  context: PacketContext,
  { model, ref }: TokenizeInput,
): Promise<{ face: Face | null; id: string }> {
  if (ref === undefined) {
    if (model !== undefined) return { face: null, id: model }
    throw new StatePackError('E_BAD_INPUT', 'Say which model, or whose model, is to tokenise.')
  }
  const { face } = await readFace(context, await resolvePacketId(context, ref))
  return { face, id: model ?? (await context.models.forFingerprint(face.packet.config.model, sameModel)).id }
}
