import type { Digest } from '#shared/domain/digest.ts'
import { allows } from '#shared/domain/trust.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { sameModel } from '../packets/contextId.ts'
import { emptyState } from '../packets/growState.ts'
import { openState } from '../packets/openState.ts'
import { readDocuments, readPacket } from '../packets/packet.ts'
import { summaryOf } from '../packets/summaries.ts'
import { type Word, wordsOf } from '../store/search/wordsOf.ts'
import { wordBits } from './wordBits.ts'

/** A cartridge answers for a question when it accounts for at least this share of what the question says. */
const ENOUGH = 0.5
/** Most states that a question is read into. */
const MOST_TRIED = 6
const MOST_WORDS = 64

type Suggestion = Output<'library.suggest'>

/**
 * The cartridges that a question is about, best first, and the one to ask if any will do.
 *
 * Full text finds candidates; then the question is read into each state. A word says as much as it surprises the bare model,
 * in bits: "Ruritania" says much, "what is the" next to nothing. A cartridge accounts for a word that its text holds, or as
 * far as its state is less surprised by it. Nothing is chosen when more than half of what the question says is new to all.
 */
export async function suggest(
  context: PacketContext,
  {
    question,
    model,
    among,
    limit,
  }: {
    readonly question: string
    readonly model?: string | undefined
    /** Only these. */
    readonly among?: readonly Digest[] | undefined
    readonly limit: number
  },
  call: Call = {},
): Promise<Suggestion> {
  if (model !== undefined) await context.models.open(model, call.signal)
  await indexWords(context)
  const words = wordsOf(question).slice(0, MOST_WORDS)
  const candidates = await runnable(context, { words, model, among })
  const { index } = context.store
  const ids = candidates.map(({ packetId }) => packetId)
  const holds = words.map(({ word }) => index.words.holding(word, ids))
  const bare = new Map<string, readonly number[]>()
  let tokensProcessed = 0
  const read = async (state: Parameters<typeof wordBits>[1]) => {
    const { bits, processed } = await wordBits(context, state, { question, words }, call)
    tokensProcessed += processed
    return bits
  }
  const found: Suggestion['candidates'] = []
  for (const [done, { packetId, modelId }] of candidates.entries()) {
    call.progress?.({ phase: 'asking', done, total: candidates.length, unit: 'items' })
    const state = await openState(context, packetId, { model: modelId, signal: call.signal })
    const weights = bare.get(modelId) ?? (await read(emptyState(state.loaded)))
    bare.set(modelId, weights)
    const bits = await read(state)
    const shares = words.map((_, place) => {
      const weight = weights[place] ?? 0
      if (weight === 0 || holds[place]?.has(packetId)) return 1
      return Math.max(0, 1 - (bits[place] ?? 0) / weight)
    })
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const accounted = shares.reduce((sum, share, place) => sum + share * (weights[place] ?? 0), 0)
    found.push({
      cartridge: await summaryOf(context, packetId),
      accountsFor: total === 0 ? 0 : accounted / total,
      // What it knows nothing about, most telling first.
      unknown: words
        .map(({ start, end }, place) => ({
          text: question.slice(start, end),
          lost: (1 - (shares[place] ?? 0)) * (weights[place] ?? 0),
        }))
        .filter(({ lost }) => lost > total / 10)
        .toSorted((a, b) => b.lost - a.lost)
        .map(({ text }) => text),
    })
  }
  const best = found.toSorted((a, b) => b.accountsFor - a.accountsFor).slice(0, limit)
  const [first] = best
  return {
    chosen: first !== undefined && first.accountsFor >= ENOUGH ? first.cartridge.packetId : null,
    enough: ENOUGH,
    candidates: best,
    tokensProcessed,
  }
}

/** Makes body texts searchable: those of cartridges that were named since. */
export async function indexWords(context: Pick<PacketContext, 'store' | 'blobs'>): Promise<void> {
  const { names } = context.store.library.packets
  await context.store.indexWords(async packetId => {
    const { sources, card, recipe } = await readDocuments(context.blobs, await readPacket(context.blobs, packetId))
    return {
      title: [...names.of(packetId), ...sources.map(({ name }) => name)].join('\n'),
      card,
      texts: [recipe.systemPrompt ?? '', ...sources.map(({ text }) => text)].join('\n'),
    }
  })
}

/**
 * What full text finds and an installed model can run: of `model` and `among` only, where they are given. Of a few, those that it
 * does not find are asked, too.
 */
async function runnable(
  context: PacketContext,
  {
    words,
    model,
    among,
  }: {
    readonly words: readonly Word[]
    readonly model: string | undefined
    readonly among: readonly Digest[] | undefined
  },
): Promise<{ packetId: Digest; modelId: string }[]> {
  const asked = [...new Set(words.map(({ word }) => word))]
  const runnable: { packetId: Digest; modelId: string }[] = []
  const found = context.store.index.words.about(asked, 500, among)
  const { packets } = context.store.library
  const few = among !== undefined && among.length <= MOST_TRIED ? among : []
  for (const packetId of new Set([...found, ...few])) {
    if (!allows(packets.get(packetId)?.trust ?? 'restricted', 'run')) continue
    if (runnable.length === MOST_TRIED) break
    const { config } = await readPacket(context.blobs, packetId)
    const entry = await context.models.forFingerprint(config.model, sameModel).catch(() => null)
    if (entry !== null && (model === undefined || entry.id === model)) runnable.push({ packetId, modelId: entry.id })
  }
  return runnable
}
