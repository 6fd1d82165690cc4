import { withheldTokens } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { LAYER_TYPES, OCI_MANIFEST } from '#shared/domain/oci.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { sha256 } from '../sha256.ts'
import type { BlobReader } from '../store/blobReader.ts'
import type { Call } from './context.ts'
import { layersOfType, type Packet, readDocuments, readToldTokens } from './packet.ts'
import { assertFinite, decodeKvBlock, decodeLogits, decodeRecurrent } from './stateLayers.ts'

const ORDER = Object.values<string>(LAYER_TYPES)

/**
 * Reads every byte of a cartridge once, one layer at a time: digests, canonical form of every document, shapes, counts, finite
 * numbers. What passes says one thing only, to every reader; whether it is true, recomputing shows. Throws `E_BAD_FORMAT`,
 * `E_CORRUPT`, `E_MISSING_BLOB`, `E_CANCELLED`.
 */
export async function checkContents(blobs: BlobReader, packet: Packet, call: Call = {}): Promise<void> {
  const { manifest, config } = packet
  const total = manifest.layers.length
  let done = 0
  const step = () => {
    if (call.signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
    call.progress?.({ phase: 'verifying', done: ++done, total, unit: 'items' })
  }
  assertManifest(packet)
  if (sha256(canonicalBytes(config)) !== manifest.config.digest)
    throw bad('format', 'its config is not in canonical form')

  const tokens = await readToldTokens(blobs, packet)
  if (tokens.length + withheldTokens(config) !== config.tokens.count)
    throw bad('tokens', 'its token buffer is not as long as its config says')
  step()
  for (const [index, layer] of layersOfType(packet, LAYER_TYPES.kv).entries()) {
    const bytes = await blobs.read(layer)
    await decodeKvBlock(bytes, { config, start: index * config.cache.blockTokens })
    assertFinite(bytes)
    step()
  }
  for (const layer of layersOfType(packet, LAYER_TYPES.ssm)) {
    const bytes = await blobs.read(layer)
    await decodeRecurrent(bytes, config)
    assertFinite(bytes)
    step()
  }
  for (const layer of layersOfType(packet, LAYER_TYPES.logits)) {
    const bytes = await blobs.read(layer)
    decodeLogits(bytes)
    assertFinite(bytes)
    step()
  }
  for (const layer of layersOfType(packet, LAYER_TYPES.modelConfig)) {
    await blobs.check(layer)
    step()
  }
  const { recipe } = await readDocuments(blobs, packet)
  const [recipeLayer] = layersOfType(packet, LAYER_TYPES.recipe)
  if (sha256(canonicalBytes(recipe)) !== recipeLayer?.digest) throw bad('format', 'its recipe is not in canonical form')
}

/** Layers in the format's order and number, and nothing in the manifest besides them. */
function assertManifest({ packetId, manifest, config }: Packet): void {
  const places = manifest.layers.map(({ mediaType }) => ORDER.indexOf(mediaType))
  if (places.includes(-1)) throw bad('format', 'it has a layer of a kind that this version does not know')
  if (places.some((place, index) => place < (places[index - 1] ?? 0)))
    throw bad('format', 'its layers are out of order')
  const count = (type: string) => manifest.layers.filter(({ mediaType }) => mediaType === type).length
  const expectedBlocks = config.cache.kv.length === 0 ? 0 : Math.ceil(config.tokens.count / config.cache.blockTokens)
  if (config.cache.blockTokens === 0 || count(LAYER_TYPES.kv) !== expectedBlocks)
    throw bad('cache', `it has ${count(LAYER_TYPES.kv)} blocks for ${config.tokens.count} tokens`)
  for (const [type, most] of [
    [LAYER_TYPES.ssm, 1],
    [LAYER_TYPES.logits, 1],
    [LAYER_TYPES.modelConfig, 2],
    [LAYER_TYPES.recipe, 1],
    [LAYER_TYPES.card, 1],
  ] as const) {
    if (count(type) > most) throw bad('format', `it has ${count(type)} layers of ${type}`)
  }
  const plain = ({ mediaType, digest, size }: (typeof manifest.layers)[number]) => ({ mediaType, digest, size })
  const canonical = canonicalBytes({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: manifest.artifactType,
    config: plain(manifest.config),
    layers: manifest.layers.map(plain),
  })
  if (sha256(canonical) !== packetId) throw bad('format', 'its manifest is not in canonical form')
}

function bad(component: string, what: string): StatePackError {
  return new StatePackError('E_BAD_FORMAT', `Not a readable cartridge: ${what}.`, { component })
}
