/** A sound `.cartridge` file of any size, written block by block: float32 keys and values in the shape of an 8B Llama. */
import { open } from 'node:fs/promises'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { digestOfList } from '#engine/packets/components.ts'
import { sha256 } from '#engine/sha256.ts'
import { parseManifest } from '#engine/store/manifests.ts'
import { encodeSafetensorsHeader } from '#engine/store/safetensors.ts'
import { BLOCK_TOKENS } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { CARTRIDGE_ARTIFACT, CARTRIDGE_CONFIG, LAYER_TYPES, OCI_MANIFEST } from '#shared/domain/oci.ts'
import { type Draft, fileOf, makeConsistent } from '../../engine/trust/forgery.ts'

const LAYERS = 32
const SHAPE = { kvHeads: 8, headDim: 128 }
const NUMBERS = LAYERS * 2 * SHAPE.kvHeads * BLOCK_TOKENS * SHAPE.headDim
/** Bytes of one block's numbers: 16 MiB. */
export const BLOCK_BYTES = NUMBERS * 4

/** Block `index`, in the same memory each time. */
function blockMaker(): (index: number) => Uint8Array {
  const header = encodeSafetensorsHeader(
    Array.from({ length: LAYERS }, (_, layer) => [`key.${layer}`, `value.${layer}`])
      .flat()
      .map(name => ({ name, dtype: 'F32' as const, shape: [SHAPE.kvHeads, BLOCK_TOKENS, SHAPE.headDim] })),
  )
  const bytes = new Uint8Array(header.byteLength + BLOCK_BYTES)
  bytes.set(header)
  const numbers = new Float32Array(bytes.buffer, header.byteLength, NUMBERS)
  for (let at = 0; at < NUMBERS; at++) numbers[at] = Math.sin(at)
  return index => {
    numbers[0] = index
    return bytes
  }
}

/** Writes it around the documents of `honest`, as the state of a model that nobody has here. */
export async function writeLargeCartridge(path: string, honest: Draft, blocks: number): Promise<void> {
  const block = blockMaker()
  const size = block(0).byteLength
  const digests: Digest[] = []
  for (let index = 0; index < blocks; index++) digests.push(sha256(block(index)))

  const count = blocks * BLOCK_TOKENS
  const config = structuredClone(honest.config)
  config.model = { ...config.model, name: 'large', weightsDigest: sha256('large') }
  config.tokens.count = count
  config.tail.text = ''
  config.segments = [{ kind: 'text', start: 0, end: count }]
  config.position.next = count
  config.attentionMask = [[1, count]]
  config.promptMeta.spans = []
  const kv = Array.from({ length: LAYERS }, (_, layer) => ({ layer, ...SHAPE }))
  config.cache = { ...config.cache, dtype: 'float32', kv, ssm: [], loss: null }
  const tokens = new Uint8Array(Int32Array.from({ length: count }, (_, at) => at % 1000).buffer)
  const rest = honest.layers
    .filter(({ mediaType }) => mediaType !== LAYER_TYPES.kv)
    .map(layer => (layer.mediaType === LAYER_TYPES.tokens ? { ...layer, bytes: tokens } : layer))
  makeConsistent({ config, layers: rest })
  config.cache.blocks = digests
  for (const component of config.components) {
    if (component.id === 'cache' && component.status === 'captured') component.digest = digestOfList(digests)
  }

  const small = new Map<Digest, Uint8Array>()
  const named = (mediaType: string, bytes: Uint8Array) => {
    const digest = sha256(bytes)
    small.set(digest, bytes)
    return { mediaType, digest, size: bytes.byteLength }
  }
  const [first, ...others] = rest.map(({ mediaType, bytes }) => named(mediaType, bytes))
  const manifest = canonicalBytes({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: CARTRIDGE_ARTIFACT,
    config: named(CARTRIDGE_CONFIG, canonicalBytes(config)),
    layers: [first, ...digests.map(digest => ({ mediaType: LAYER_TYPES.kv, digest, size })), ...others],
  })
  const packet = { ...named(OCI_MANIFEST, manifest), manifest: parseManifest(manifest) }
  const file = await open(path, 'w')
  try {
    for (const chunk of fileOf(packet, [], digest => small.get(digest) ?? block(digests.indexOf(digest)))) {
      await file.writeFile(chunk)
    }
  } finally {
    await file.close()
  }
}
