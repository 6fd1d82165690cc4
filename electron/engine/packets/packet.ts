import {
  type CartridgeConfig,
  cartridgeConfigSchema,
  type Recipe,
  recipeSchema,
  withheldTokens,
} from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import {
  CARTRIDGE_ARTIFACT,
  CARTRIDGE_CONFIG,
  type Descriptor,
  LAYER_TYPES,
  type LayerType,
  type Manifest,
} from '#shared/domain/oci.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { BlobSource } from '../live/unstoredPackets.ts'
import { sha256 } from '../sha256.ts'
import { inParallel } from '../store/inParallel.ts'
import { CONFIG_CAP, readManifest } from '../store/manifests.ts'
import { parseStrictJson } from '../store/strictJson.ts'
import { contextIdOf, tokensFromBytes } from './contextId.ts'
import { decodeKvBlock, decodeLogits, decodeRecurrent } from './stateLayers.ts'

/** A cartridge whose manifest and config have been read and checked; its layers are read when asked for. */
export interface Packet {
  readonly packetId: Digest
  readonly contextId: Digest
  readonly manifest: Manifest
  readonly config: CartridgeConfig
}

/**
 * Reads manifest and config, re-hashed. Throws `E_NOT_FOUND`, `E_CORRUPT`, `E_MISSING_BLOB`, `E_BAD_FORMAT` or `E_TOO_LARGE`.
 */
export async function readPacket(blobs: BlobSource, packetId: Digest): Promise<Packet> {
  const manifest = await readManifest(blobs, packetId)
  assertCartridge(manifest)
  const config = parseConfig(await blobs.read(manifest.config, { maxBytes: CONFIG_CAP }))
  assertConsistent(manifest, config)
  return {
    packetId,
    manifest,
    config,
    contextId: contextIdOf(config),
  }
}

const MIB = 1024 * 1024
/** Bytes of one cache layer, which is read whole: more than 64 tokens of any model take. */
const CACHE_LAYER_CAP = 1024 * MIB
/** Bytes of all other layers together, texts and tokens among them. */
const OTHER_LAYERS_CAP = 512 * MIB

/** Refuses a manifest that is not a cartridge's (`E_BAD_FORMAT`), and one whose layers would take all memory (`E_TOO_LARGE`). */
export function assertCartridge({ artifactType, config, layers }: Manifest): void {
  if (artifactType !== CARTRIDGE_ARTIFACT || config.mediaType !== CARTRIDGE_CONFIG) {
    throw badFormat(`its artifact type is ${artifactType ?? 'absent'}`)
  }
  let others = 0
  for (const { mediaType, size } of layers) {
    const isCache = mediaType === LAYER_TYPES.kv || mediaType === LAYER_TYPES.ssm
    if (!isCache) others += size
    if (isCache && size > CACHE_LAYER_CAP) {
      throw new StatePackError('E_TOO_LARGE', 'A cartridge has a cache layer of more than 1 GiB.', {
        mediaType,
        size,
        cap: CACHE_LAYER_CAP,
      })
    }
    if (others > OTHER_LAYERS_CAP) {
      throw new StatePackError(
        'E_TOO_LARGE',
        'The texts, tokens and other layers of a cartridge besides its cache have more than 512 MiB together.',
        { size: others, cap: OTHER_LAYERS_CAP },
      )
    }
  }
}

/** The config must describe the layers that are there: otherwise a digest in it would bind nothing. */
function assertConsistent(manifest: Manifest, config: CartridgeConfig): void {
  const digests = (type: LayerType) =>
    manifest.layers.filter(layer => layer.mediaType === type).map(layer => layer.digest)
  const cache = [...digests(LAYER_TYPES.kv), ...digests(LAYER_TYPES.ssm)]
  const fail = (component: string, what: string): never => {
    throw new StatePackError('E_BAD_FORMAT', `Not a readable cartridge: ${what}.`, { component })
  }
  if (cache.join() !== config.cache.blocks.join())
    fail('cache', 'its config names other cache layers than its manifest')
  if (digests(LAYER_TYPES.tokens).join() !== config.tokens.digest)
    fail('tokens', 'its config names another token buffer')
  if (sha256(config.tail.text) !== config.tail.digest) fail('tokens', 'its held-back text does not match its digest')
  const { count } = config.tokens
  if (config.origin.kind !== 'mix' && config.position.next !== count)
    fail('position', `it has ${count} tokens and continues at ${config.position.next}`)
  const masked = config.attentionMask[0]?.[1] ?? 0
  if (masked !== count) fail('mask', `its attention mask covers ${masked} of ${count} tokens`)
  let covered = 0
  for (const { start, end } of config.segments) {
    if (start !== covered || end <= start) fail('tokens', `its segments do not follow each other at token ${covered}`)
    covered = end
  }
  if (covered !== count) fail('tokens', `its segments cover ${covered} of ${count} tokens`)
  const outside = config.promptMeta.spans.find(({ start, end }) => end < start || end > count)
  if (outside !== undefined) fail('prompt', `a span ends at token ${outside.end} of ${count}`)
}

/** A cartridge config; throws `E_BAD_FORMAT` naming the field, or `E_UNSUPPORTED_VERSION`. */
export function parseConfig(bytes: Uint8Array): CartridgeConfig {
  const json = parseJson(bytes, 'config')
  // Looked at before the schema reads it run by run: a mask of millions of runs is no mask of ours.
  const mask = (json as { attentionMask?: unknown } | null)?.attentionMask
  if (Array.isArray(mask) && mask.length > 1) throw badFormat('its attention mask hides tokens', undefined, 'mask')
  const version = (json as { formatVersion?: unknown } | null)?.formatVersion
  if (typeof version === 'number' && version !== 1) {
    throw new StatePackError(
      'E_UNSUPPORTED_VERSION',
      `This cartridge has format version ${version}; this app reads 1.`,
      {
        found: version,
      },
    )
  }
  const parsed = cartridgeConfigSchema.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw badFormat(`its config is wrong at ${issue?.path.join('.') ?? '?'}: ${issue?.message ?? ''}`)
}

/** The recipe layer's bytes; absent or wrong: `E_BAD_FORMAT`. */
export function parseRecipe(bytes: Uint8Array | undefined): Recipe {
  if (bytes === undefined) throw badFormat('it has no recipe')
  const parsed = recipeSchema.safeParse(parseJson(bytes, 'recipe'))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw badFormat(`its recipe is wrong at ${issue?.path.join('.') ?? '?'}: ${issue?.message ?? ''}`)
}

/** A text layer: UTF-8 to the byte, a mark at its beginning included. */
export function parseText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw badFormat(`its ${what} is not UTF-8`, cause)
  }
}

/** JSON without a second reading: no key twice, no mark before it, no number that is rounded. */
function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return parseStrictJson(bytes)
  } catch (cause) {
    throw badFormat(`its ${what} is not JSON`, cause)
  }
}

function badFormat(what: string, cause?: unknown, component?: string): StatePackError {
  return new StatePackError(
    'E_BAD_FORMAT',
    `Not a readable cartridge: ${what}.`,
    { component: component ?? null },
    cause,
  )
}

/** The layers of one kind, in order. */
export function layersOfType(packet: Packet, type: LayerType): Descriptor[] {
  return packet.manifest.layers.filter(layer => layer.mediaType === type)
}

/** Cache layers in the order of the config: KV blocks, then the SSM snapshot. */
export function cacheLayers(packet: Packet): Descriptor[] {
  return [...layersOfType(packet, LAYER_TYPES.kv), ...layersOfType(packet, LAYER_TYPES.ssm)]
}

/** In the place of a token that is not told. No vocabulary has it: what would run or decode it fails. */
const NOT_TOLD = -(2 ** 31)

/** Token ids folded into the state, in their places: those that were withheld are no token of any model. */
export async function readTokens(blobs: BlobSource, packet: Packet): Promise<Int32Array> {
  const told = await readToldTokens(blobs, packet)
  const withheld = withheldTokens(packet.config)
  if (withheld === 0) return told
  const tokens = new Int32Array(withheld + told.length).fill(NOT_TOLD)
  tokens.set(told, withheld)
  return tokens
}

/** Token ids as far as the cartridge tells them: all, or those after what was withheld. */
export async function readToldTokens(blobs: BlobSource, packet: Packet): Promise<Int32Array> {
  const [layer] = layersOfType(packet, LAYER_TYPES.tokens)
  if (layer === undefined) throw badFormat('it has no tokens layer')
  return tokensFromBytes(await blobs.read(layer))
}

/** Refuses what needs every token of a state that does not tell them: `E_NOT_SUPPORTED`. */
export function assertTold(origin: CartridgeConfig['origin']): void {
  if (origin.kind !== 'withheld') return
  const message =
    'The texts of this cartridge were withheld by who shared it, so they cannot be read again. It can be asked, and read on.'
  throw new StatePackError('E_NOT_SUPPORTED', message, { withheld: origin.tokens })
}

/** Reads and verifies the cache layers; lossy dtypes are widened to float32. */
export async function readSnapshot(blobs: BlobSource, packet: Packet): Promise<StateSnapshot> {
  const { config } = packet
  const kvLayers = layersOfType(packet, LAYER_TYPES.kv)
  const [ssmLayer] = layersOfType(packet, LAYER_TYPES.ssm)
  const [blocks, recurrent] = await Promise.all([
    inParallel([...kvLayers.entries()], 8, async ([index, layer]) =>
      decodeKvBlock(await blobs.read(layer), { config, start: index * config.cache.blockTokens }),
    ),
    ssmLayer === undefined ? [] : blobs.read(ssmLayer).then(bytes => decodeRecurrent(bytes, config)),
  ])
  return { kind: config.kind, position: config.position.next, blocks, recurrent }
}

/** `[vocab]` logits after the last folded token; null when none was read. */
export async function readLogits(blobs: BlobSource, packet: Packet): Promise<Float32Array | null> {
  const [layer] = layersOfType(packet, LAYER_TYPES.logits)
  return layer === undefined ? null : decodeLogits(await blobs.read(layer))
}

/** The recipe, the card and the source texts, as far as the cartridge carries them. */
export async function readDocuments(blobs: BlobSource, packet: Packet) {
  const text = async (layer: Descriptor, what: string) => parseText(await blobs.read(layer), what)
  const [recipeLayer] = layersOfType(packet, LAYER_TYPES.recipe)
  const [cardLayer] = layersOfType(packet, LAYER_TYPES.card)
  const recipe = parseRecipe(recipeLayer === undefined ? undefined : await blobs.read(recipeLayer))
  const reads = recipe.steps.flatMap(step => (step.do === 'read' ? [step] : []))
  assertWithheld(packet.config, recipe)
  const layers = layersOfType(packet, LAYER_TYPES.source)
  // A text beside the recipe was never read, and would be shown as if it had been.
  if (reads.map(({ source }) => source).join() !== layers.map(({ digest }) => digest).join())
    throw badFormat('its recipe reads other texts than it carries', undefined, 'tokens')
  const sources = await inParallel([...layers.entries()], 8, async ([place, layer]) => ({
    layer,
    digest: layer.digest,
    name: reads[place]?.name ?? 'text',
    extractor: reads[place]?.extractor,
    /** Read after what was there, without a gap. */
    appended: reads[place]?.join === 'append',
    /** A turn of a conversation, as the chat template wrote it. */
    turn: reads[place]?.said !== undefined,
    text: await text(layer, 'source text'),
    bytes: layer.size,
  }))
  return { recipe, sources, card: cardLayer === undefined ? '' : await text(cardLayer, 'card') }
}

/** What is not told stands before everything that is, in config and recipe alike. */
function assertWithheld({ origin }: CartridgeConfig, { steps, systemPrompt }: Recipe): void {
  const places = steps.flatMap((step, place) => (step.do === 'withheld' ? [place] : []))
  const begins = systemPrompt === null && !steps.some(step => step.do === 'read' && step.join === undefined)
  const isRight = origin.kind === 'withheld' ? places.join() === '0' && begins : places.length === 0
  if (!isRight) throw badFormat('its recipe withholds other texts than its config', undefined, 'tokens')
}
