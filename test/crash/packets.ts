/** Small packets for store tests: the config names its own context, the layers are whatever the seed says. */
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { sha256 } from '#engine/sha256.ts'
import { newBlob } from '#engine/store/newBlob.ts'
import type { DescribePacket } from '#engine/store/packetIndexEntry.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { CARTRIDGE_CONFIG, LAYER_TYPES } from '#shared/domain/oci.ts'

interface TestConfig {
  readonly context: string
  readonly dtype: string
  readonly kind: string
  readonly model: string
  readonly tokens: number
  readonly title: string
  readonly parents: { packetId: Digest; op: string }[]
}

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? '' : new TextDecoder().decode(bytes))

export const describePacket: DescribePacket = async ({ config, readLayers }) => {
  const read = JSON.parse(text(config)) as TestConfig
  return {
    contextId: sha256(read.context),
    dtype: read.dtype,
    kind: read.kind,
    title: read.title,
    modelName: read.model,
    architecture: 'llama',
    weightsDigest: sha256(read.model),
    tokens: read.tokens,
    parents: read.parents,
    card: text((await readLayers(LAYER_TYPES.card))[0]),
    recipe: text((await readLayers(LAYER_TYPES.recipe))[0]),
    texts: [],
    prefixes: [],
  }
}

/** A packet as {@link Store.publishPacket} takes it; the same seed gives the same bytes. */
export function testPacket(
  seed: string,
  options: Partial<TestConfig> & { blocks?: number; blockBytes?: number; card?: string } = {},
) {
  const { blocks = 3, blockBytes = 1000, card = `card of ${seed}`, ...config } = options
  const full: TestConfig = {
    context: seed,
    dtype: 'float32',
    kind: 'kv',
    model: 'starter-transformer',
    tokens: 10,
    title: `title ${seed}`,
    parents: [],
    ...config,
  }
  return {
    config: newBlob(CARTRIDGE_CONFIG, canonicalBytes(full)),
    layers: [
      ...Array.from({ length: blocks }, (_, i) => newBlob(LAYER_TYPES.kv, noise(`${seed}/${i}`, blockBytes))),
      newBlob(LAYER_TYPES.card, new TextEncoder().encode(card)),
    ],
  }
}

/** Bytes that look random and depend on the seed alone. */
export function noise(seed: string, length: number): Uint8Array {
  const out = new Uint8Array(length)
  for (let at = 0, i = 0; at < length; at += 32, i++) {
    const hex = sha256(`${seed}#${i}`).slice(7)
    out.set(Buffer.from(hex, 'hex').subarray(0, Math.min(32, length - at)), at)
  }
  return out
}
