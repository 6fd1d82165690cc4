import { COMPONENTS } from '#shared/domain/component.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import { tokenizerOf } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { installedModel } from './inspectPacket.ts'
import { type Packet, readDocuments, readPacket, readSnapshot, readTokens } from './packet.ts'
import { partAt } from './prefixMiss.ts'
import { resolvePacketId } from './resolveRef.ts'
import { summaryOf } from './summaries.ts'

/** Tokens shown around a difference. */
const WINDOW = 12

/** Two cartridges side by side: first diverging token, equality of each component, difference of the tensors layer by layer. */
export async function comparePackets(
  context: PacketContext,
  refs: { a: string; b: string },
): Promise<Output<'packets.compare'>> {
  const { blobs } = context.store
  const [a, b] = await Promise.all(
    [refs.a, refs.b].map(async ref => readPacket(blobs, await resolvePacketId(context, ref))),
  )
  if (a === undefined || b === undefined) throw new TypeError('two references give two packets')
  const [tokensA, tokensB] = [await readTokens(blobs, a), await readTokens(blobs, b)]
  // Two that are not told are not known to be the same.
  const isTold = [a, b].every(({ config }) => config.origin.kind !== 'withheld')
  const common = isTold ? commonPrefix(tokensA, tokensB) : 0
  const [decodeA, decodeB] = [await decoder(context, a), await decoder(context, b)]
  const differs = isTold && common < tokensA.length && common < tokensB.length
  const part = (packet: Packet, id: string) => {
    const component = packet.config.components.find(candidate => candidate.id === id)
    return component === undefined
      ? 'missing'
      : component.status === 'not-applicable'
        ? 'not applicable'
        : component.digest
  }
  return {
    sameContext: a.contextId === b.contextId,
    commonTokens: common,
    firstDifference: differs
      ? {
          position: common,
          before: decodeA(tokensA.subarray(Math.max(0, common - WINDOW), common)),
          a: decodeA(tokensA.subarray(common, common + WINDOW)),
          b: decodeB(tokensB.subarray(common, common + WINDOW)),
        }
      : null,
    components: COMPONENTS.map(({ id }) => ({
      id,
      equal: part(a, id) === part(b, id),
      a: part(a, id),
      b: part(b, id),
    })),
    layers: layerDifferences(await readSnapshot(blobs, a), await readSnapshot(blobs, b)),
  }
}

/** Tensor differences over what both states have: the common positions of keys and values, recurrent states of one shape. */
function layerDifferences(a: StateSnapshot, b: StateSnapshot): Output<'packets.compare'>['layers'] {
  const sums = new Map<string, { max: number; sum: number; count: number }>()
  const add = (name: string, difference: number) => {
    const known = sums.get(name) ?? { max: 0, sum: 0, count: 0 }
    sums.set(name, { max: Math.max(known.max, difference), sum: known.sum + difference, count: known.count + 1 })
  }
  for (const [index, block] of a.blocks.entries()) {
    const other = b.blocks[index]
    for (const [l, layer] of block.layers.entries()) {
      const match = other?.layers[l]
      if (
        other === undefined ||
        match === undefined ||
        match.kvHeads !== layer.kvHeads ||
        match.headDim !== layer.headDim
      )
        continue
      for (const tensor of ['key', 'value'] as const) {
        for (let head = 0; head < layer.kvHeads; head++) {
          for (let at = 0; at < Math.min(block.tokens, other.tokens) * layer.headDim; at++) {
            const x = layer[tensor][head * block.tokens * layer.headDim + at] ?? 0
            const y = match[tensor][head * other.tokens * layer.headDim + at] ?? 0
            add(`${tensor} ${layer.layer}`, Math.abs(x - y))
          }
        }
      }
    }
  }
  for (const [index, layer] of a.recurrent.entries()) {
    const match = b.recurrent[index]
    for (const tensor of ['conv', 'ssm'] as const) {
      if (match === undefined || match[tensor].length !== layer[tensor].length) continue
      for (const [i, value] of layer[tensor].entries())
        add(`${tensor} ${layer.layer}`, Math.abs(value - (match[tensor][i] ?? 0)))
    }
  }
  return [...sums].map(([name, { max, sum, count }]) => ({ name, maxAbsDiff: max, meanAbsDiff: sum / count }))
}

/** The cartridge of a model whose tokens a prompt continues furthest, and where the two part. */
export async function whyMiss(
  context: PacketContext,
  { model: id, text }: { model: string; text: string },
): Promise<Output<'packets.whyMiss'>> {
  const model = await context.models.open(id)
  const tokenizer = tokenizerOf(model)
  const tokens = tokenizer.encode(text, { bos: true })
  let best: { packet: Packet; tokens: Int32Array; common: number } | null = null
  const { items } = await context.store.list({ named: true, limit: 10_000 })
  for (const item of items) {
    if (item.weightsDigest !== model.fingerprint.weightsDigest) continue
    const packet = await readPacket(context.blobs, item.packetId)
    if (packet.config.origin.kind !== 'tokens' || !sameModel(packet.config.model, model.fingerprint)) continue
    const own = await readTokens(context.blobs, packet)
    const common = commonPrefix(own, tokens)
    if (best === null || common > best.common) best = { packet, tokens: own, common }
  }
  if (best === null) return { tokens: tokens.length, best: null }
  const { packet, common } = best
  const documents = await readDocuments(context.blobs, packet)
  return {
    tokens: tokens.length,
    best: {
      cartridge: await summaryOf(context, packet.packetId),
      commonTokens: common,
      hit: common === best.tokens.length,
      part: common === best.tokens.length ? null : partAt({ packet, documents }, common),
      time: documents.recipe.chat?.time ?? null,
      before: tokenizer.decode(tokens.subarray(Math.max(0, common - WINDOW), common)),
      prompt: tokenizer.decode(tokens.subarray(common, common + WINDOW)),
      cartridgeText: tokenizer.decode(best.tokens.subarray(common, common + WINDOW)),
    },
  }
}

/** How many tokens two sequences begin with in common. */
export function commonPrefix(a: Int32Array, b: Int32Array): number {
  let common = 0
  while (common < a.length && common < b.length && a[common] === b[common]) common++
  return common
}

async function decoder(context: PacketContext, packet: Packet): Promise<(ids: Int32Array) => string> {
  const tokenizer = (await installedModel(context, packet))?.tokenizer
  return ids => tokenizer?.decode(ids) ?? [...ids].join(' ')
}
