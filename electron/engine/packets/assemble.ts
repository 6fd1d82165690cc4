import {
  BLOCK_TOKENS,
  type CartridgeConfig,
  cartridgeConfigSchema,
  FORMAT_VERSION,
  type Origin,
  type Recipe,
  type Segment,
  type StateDtype,
  withheldTokens,
} from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { CARTRIDGE_CONFIG, type Descriptor, LAYER_TYPES, type LayerType, type Manifest } from '#shared/domain/oci.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { Model } from '../models/model.ts'
import { sha256 } from '../sha256.ts'
import { buildManifest, CONFIG_CAP, type LayerInput } from '../store/manifests.ts'
import { type NewBlob, newBlob } from '../store/newBlob.ts'
import { componentsOf, digestOfList } from './components.ts'
import { contextIdOf, tokenBytes } from './contextId.ts'
import { encodeKvBlock, encodeLogits, encodeRecurrent } from './stateLayers.ts'

/** A text that was read, or the layer that already holds it. */
export type SourcePart =
  | { readonly name: string; readonly bytes: Uint8Array; readonly extractor?: string | undefined }
  | { readonly name: string; readonly layer: Descriptor; readonly extractor?: string | undefined }

/** Everything a cartridge is made of. */
export interface StateContents {
  readonly model: Model
  readonly origin: Origin
  /** Every token that is folded into the state, in order, those that are not told in their places; empty for a mix. */
  readonly tokens: Int32Array
  /** Text held back because it could tokenise otherwise when more follows. */
  readonly tail: string
  readonly segments: readonly Segment[]
  readonly snapshot: StateSnapshot
  /** `[vocab]` after the last folded token; null when none was read. */
  readonly logits: Float32Array | null
  readonly dtype: StateDtype
  readonly loss: CartridgeConfig['cache']['loss']
  /** Numbers of tokens after which it was taken from storage in this dtype; none where rounding does not show. */
  readonly rounded?: readonly number[] | undefined
  readonly promptMeta: CartridgeConfig['promptMeta']
  readonly sources: readonly SourcePart[]
  readonly recipe: Omit<Recipe, 'version' | 'steps'> & { readonly steps: readonly RecipeStep[] }
  readonly card: string
  readonly parents: CartridgeConfig['parents']
  /** KV block layers of the parent that this state shares: full blocks from the first token on. */
  readonly sharedBlocks?: readonly Descriptor[]
}

type Step = Recipe['steps'][number]

/** A recipe step that names a source by its place in `sources`: its digest is known only once it is encoded. */
export type RecipeStep =
  | (Omit<Extract<Step, { do: 'read' }>, 'source' | 'name'> & { readonly source: number })
  | Exclude<Step, { do: 'read' }>

/** A cartridge ready to be published: nothing in it depends on the clock, the machine or a random value. */
export interface Assembled {
  readonly packetId: Digest
  readonly contextId: Digest
  readonly config: CartridgeConfig
  readonly configBlob: NewBlob
  readonly manifest: Manifest
  readonly manifestBlob: NewBlob
  /** In manifest order; those shared with the parent as descriptors. */
  readonly layers: readonly LayerInput[]
  /** The state as the store will give it back, where it is at hand. */
  readonly atHand?: Pick<StateSnapshot, 'blocks' | 'recurrent'>
  /** Bytes of the cache layers (KV blocks and SSM snapshot), shared ones included. */
  readonly cacheBytes: number
  /** SHA-256 of RFC 8785 of the cache layers' digests: State Pack's `blob_sha256`. */
  readonly blobSha256: Digest
}

/** What of a state is numbers: its layers, as new bytes or those that are stored already, and their shapes. */
export interface StateNumbers {
  /** Shapes of each layer's state, and the position of the next token. */
  readonly shape: Pick<CartridgeConfig['cache'], 'kv' | 'ssm'> & { readonly next: number }
  /** KV blocks in order, then the SSM snapshot. */
  readonly cache: readonly LayerInput[]
  readonly logits: LayerInput | null
}

/** Encodes a state as manifest, config and layers, in the order docs/format.md gives. */
export async function assemble(contents: StateContents): Promise<Assembled> {
  const { snapshot, dtype, logits } = contents
  const cache: LayerInput[] = [...(contents.sharedBlocks ?? [])]
  for (const block of snapshot.blocks.slice(cache.length)) {
    cache.push(newBlob(LAYER_TYPES.kv, await encodeKvBlock(block, dtype)))
  }
  if (snapshot.recurrent.length > 0)
    cache.push(newBlob(LAYER_TYPES.ssm, await encodeRecurrent(snapshot.recurrent, dtype)))
  return assembleAround(contents, numbersOf(snapshot, { cache, logits }))
}

/** What of a state is numbers, around layers that hold them. */
export function numbersOf(
  { blocks, recurrent, position }: StateSnapshot,
  { cache, logits }: { readonly cache: readonly LayerInput[]; readonly logits: Float32Array | null },
): StateNumbers {
  return {
    shape: {
      kv: (blocks[0]?.layers ?? []).map(({ layer, kvHeads, headDim }) => ({ layer, kvHeads, headDim })),
      ssm: recurrent.map(({ layer, convDims, ssmDims }) => ({ layer, conv: [...convDims], ssm: [...ssmDims] })),
      next: position,
    },
    cache,
    logits: logits === null ? null : newBlob(LAYER_TYPES.logits, encodeLogits(logits)),
  }
}

/**
 * The cartridge of these contents around numbers that are encoded already: what making a cartridge ends with, and what
 * checking one compares it with.
 */
export function assembleAround(
  contents: Omit<StateContents, 'snapshot' | 'logits' | 'sharedBlocks'>,
  numbers: StateNumbers,
): Assembled {
  const { model, tokens, origin, dtype } = contents
  const { kv, ssm, next } = numbers.shape
  const layers: LayerInput[] = []
  const take = (layer: LayerInput): Descriptor => {
    layers.push(layer)
    return layer
  }
  const add = (mediaType: LayerType, bytes: Uint8Array) => take(newBlob(mediaType, bytes))

  const tokenLayer = add(LAYER_TYPES.tokens, tokenBytes(tokens.subarray(withheldTokens(contents))))
  const cacheLayers = numbers.cache.map(take)
  const logits = numbers.logits === null ? null : take(numbers.logits)
  const modelConfig = [add(LAYER_TYPES.modelConfig, model.configBytes)]
  if (model.generationConfigBytes !== null) modelConfig.push(add(LAYER_TYPES.modelConfig, model.generationConfigBytes))
  const sources = contents.sources.map(source => {
    const layer = 'bytes' in source ? add(LAYER_TYPES.source, source.bytes) : take(source.layer)
    return { name: source.name, extractor: source.extractor, digest: layer.digest }
  })
  add(LAYER_TYPES.recipe, canonicalBytes(recipeOf(contents.recipe, sources)))
  add(LAYER_TYPES.card, new TextEncoder().encode(contents.card))

  const position = {
    scheme: model.position.scheme,
    parameters: { ...model.position.parameters },
    next,
  }
  const cache = {
    formatVersion: FORMAT_VERSION as typeof FORMAT_VERSION,
    dtype,
    blockTokens: BLOCK_TOKENS,
    kv,
    ssm,
    blocks: cacheLayers.map(layer => layer.digest),
    loss: contents.loss,
    ...(contents.rounded === undefined || contents.rounded.length === 0 ? {} : { rounded: [...contents.rounded] }),
  }
  const attentionMask: [1, number][] = tokens.length > 0 ? [[1, tokens.length]] : []
  const tailDigest = sha256(contents.tail)
  const config = cartridgeConfigSchema.parse({
    formatVersion: FORMAT_VERSION,
    kind: model.kind,
    origin,
    model: { ...model.fingerprint },
    tokens: { count: tokens.length, digest: tokenLayer.digest },
    tail: { text: contents.tail, digest: tailDigest },
    segments: [...contents.segments],
    cache,
    position,
    attentionMask,
    promptMeta: contents.promptMeta,
    components: componentsOf(
      {
        kind: model.kind,
        origin,
        attentionMask,
        promptMeta: contents.promptMeta,
        cache,
        position,
        tokensDigest: tokenLayer.digest,
        modelConfigDigests: modelConfig.map(layer => layer.digest),
        logitsDigest: logits?.digest ?? null,
      },
      model,
    ),
    parents: contents.parents,
  } satisfies CartridgeConfig)

  return packUp(config, layers)
}

/** The cartridge of a config and its layers, in manifest order. Throws `E_TOO_LARGE`. */
export function packUp(config: CartridgeConfig, layers: readonly LayerInput[]): Assembled {
  const configBlob = newBlob(CARTRIDGE_CONFIG, canonicalBytes(config))
  if (configBlob.size > CONFIG_CAP) {
    throw new StatePackError('E_TOO_LARGE', 'This text has too many control tokens for one cartridge: split it.', {
      bytes: configBlob.size,
      cap: CONFIG_CAP,
    })
  }
  const { manifest, blob } = buildManifest(configBlob, layers)
  const cache = new Set(config.cache.blocks)
  return {
    packetId: blob.digest,
    manifest,
    manifestBlob: blob,
    contextId: contextIdOf(config),
    config,
    configBlob,
    layers,
    cacheBytes: layers.reduce((sum, { digest, size }) => (cache.has(digest) ? sum + size : sum), 0),
    blobSha256: digestOfList(config.cache.blocks),
  }
}

function recipeOf(
  recipe: StateContents['recipe'],
  sources: readonly { name: string; extractor: string | undefined; digest: Digest }[],
): Recipe {
  const steps = recipe.steps.flatMap((step): Recipe['steps'] => {
    if (step.do !== 'read') return [step]
    const source = sources[step.source]
    if (source === undefined) return []
    const { digest, name, extractor } = source
    return [{ ...step, source: digest, name, ...(extractor === undefined ? {} : { extractor }) }]
  })
  return { ...recipe, version: 1, steps }
}
