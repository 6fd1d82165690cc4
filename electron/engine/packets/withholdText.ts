import { type CartridgeConfig, type Recipe, TITLE_LENGTH } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { tokenUse } from '#shared/domain/receipt.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import type { LayerInput } from '../store/manifests.ts'
import { newBlob } from '../store/newBlob.ts'
import { type Assembled, assemble, packUp } from './assemble.ts'
import { tokensComponent } from './components.ts'
import type { Call, PacketContext } from './context.ts'
import { contextIdOf } from './contextId.ts'
import { grownContents, splitDelta } from './growState.ts'
import { openState } from './openState.ts'
import { type Packet, readDocuments } from './packet.ts'
import { freeName, publish } from './publish.ts'
import { summaryOf } from './summaries.ts'

/**
 * A cartridge without the texts, recipe and tokens of another: its state, its card and its name. It is stored beside that
 * one, once, so that what leaves can be looked at and asked here, too. Text that was held back is read first, as it would be
 * told otherwise. Throws `E_NOT_SUPPORTED` for what {@link cannotWithhold} names, what opening a state throws,
 * `E_CANCELLED`.
 */
export async function withholdText(context: PacketContext, packet: Packet, call: Call): Promise<Digest> {
  const started = performance.now()
  const { config: before } = packet
  if (before.origin.kind === 'withheld' && before.origin.tokens === before.tokens.count) return packet.packetId
  const { recipe } = await readDocuments(context.blobs, packet)
  const why = cannotWithhold(packet, recipe)
  if (why !== null) throw new StatePackError('E_NOT_SUPPORTED', why, { packetId: packet.packetId })
  const { config, layers, processed } = await withoutTail(context, packet, call)
  const { name } = await summaryOf(context, packet.packetId)
  const assembled = withoutTexts(config, layers, { recipe, name })
  const { packets } = context.store.library
  const standing = packets.ofContext(assembled.contextId, config.cache.dtype)
  if (standing !== null) return standing.packetId
  const { packetId } = await publish(context, {
    ...{ assembled, call, trust: 'own', name: freeName(context, `${name}, text withheld`) },
    operation: ({ packetId, blobSha256 }) => ({
      receipt: {
        op: 'withhold',
        inputs: [{ role: 'packet', digest: packet.packetId }],
        outputs: [
          { role: 'packet', digest: packetId },
          { role: 'context', digest: assembled.contextId },
        ],
        packet_id: packetId,
        context_id: assembled.contextId,
        blob_sha256: blobSha256,
        tokens: tokenUse({ base: config.tokens.count, delta: 0, processed }),
        model: config.model,
        observed: { seconds: (performance.now() - started) / 1000 },
      },
    }),
  })
  return packetId
}

/** Why the texts of a cartridge cannot be withheld; null where they can. */
export function cannotWithhold({ config }: Packet, { steps }: Recipe): string | null {
  if (config.origin.kind === 'mix') return 'A mix holds no texts of what was mixed. Share it as it is.'
  if (config.tokens.count === 0) return 'This state has read nothing that could be withheld.'
  const isTalk = steps.some(step => step.do === 'generated' || (step.do === 'read' && step.said !== undefined))
  return isTalk
    ? 'This state holds turns of a conversation, and how it goes on depends on them. Share the cartridge that it began from.'
    : null
}

/** With what was held back read into the state. */
async function withoutTail(context: PacketContext, { packetId, config, manifest }: Packet, call: Call) {
  if (config.tail.text === '') return { config, layers: manifest.layers, processed: 0 }
  const base = await openState(context, packetId, call)
  const delta = { text: '' }
  const split = splitDelta(base, delta, 'exact')
  using session = await base.loaded.runtime.restore(base.snapshot)
  const logits = await session.append(split.fold, { logits: 'last', signal: call.signal })
  const snapshot = await session.capture()
  const read = { delta, seam: 'exact', split, flush: false, generated: new Int32Array(0) } as const
  const flushed = await assemble({ ...grownContents(base, { op: 'merge', ...read }), snapshot, logits })
  return { config: flushed.config, layers: flushed.layers, processed: session.processed }
}

/** The same state around a recipe that tells nothing, and no text or token layer. */
function withoutTexts(
  config: CartridgeConfig,
  layers: readonly LayerInput[],
  { recipe: { template, chat, controlTokens, steps }, name }: { readonly recipe: Recipe; readonly name: string },
): Assembled {
  const origin = { kind: 'withheld', contextId: contextIdOf(config), tokens: config.tokens.count } as const
  const noTokens = newBlob(LAYER_TYPES.tokens, new Uint8Array(0))
  const left: Recipe = {
    ...{ version: 1, systemPrompt: null, template },
    ...(chat === undefined ? {} : { chat }),
    ...(controlTokens === undefined ? {} : { controlTokens }),
    steps: [{ do: 'withheld', name: name.slice(0, TITLE_LENGTH) }, ...steps.filter(step => step.do === 'first')],
  }
  const instead: Readonly<Record<string, readonly LayerInput[]>> = {
    [LAYER_TYPES.tokens]: [noTokens],
    [LAYER_TYPES.source]: [],
    [LAYER_TYPES.recipe]: [newBlob(LAYER_TYPES.recipe, canonicalBytes(left))],
  }
  const changed = {
    ...config,
    origin,
    tokens: { count: config.tokens.count, digest: noTokens.digest },
    components: config.components.map(component =>
      component.id === 'tokens'
        ? { id: component.id, ...tokensComponent({ origin, tokensDigest: noTokens.digest }) }
        : component,
    ),
    // They name texts by their digests, and texts can be guessed.
    parents: [],
  } satisfies CartridgeConfig
  return packUp(
    changed,
    layers.flatMap(layer => instead[layer.mediaType] ?? [layer]),
  )
}
