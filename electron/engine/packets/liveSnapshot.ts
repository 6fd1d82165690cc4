/** States between the store and a session: layers come from memory where they are there, verified when they came in. */
import type { CartridgeConfig } from '#shared/domain/cartridge.ts'
import { type Descriptor, LAYER_TYPES } from '#shared/domain/oci.ts'
import type { KvBlock, RecurrentLayer, StateSnapshot } from '../inference/stateSnapshot.ts'
import type { PooledBlock, PooledRecurrent } from '../live/liveState.ts'
import type { Assembled } from './assemble.ts'
import type { PacketContext } from './context.ts'
import { layersOfType, type Packet } from './packet.ts'
import { decodeKvBlock, decodeRecurrent } from './stateLayers.ts'

/**
 * The state of a packet, its layers shared with everyone who has them. `bytesRead` counts what had to come from disk.
 * Throws what reading and decoding throw.
 */
export async function readLiveSnapshot(
  context: Pick<PacketContext, 'blobs' | 'live'>,
  packet: Packet,
): Promise<{ snapshot: StateSnapshot; bytesRead: number }> {
  const { config } = packet
  const { blobs, live } = context
  let bytesRead = 0
  const bytesOf = (layer: Descriptor) => (live.unstored.inMemory(layer.digest) === null ? layer.size : 0)
  const { dtype } = config.cache
  const block = async (layer: Descriptor, index: number): Promise<KvBlock> => {
    const start = index * config.cache.blockTokens
    const load = async () => ({ dtype, block: await decodeKvBlock(await blobs.read(layer), { config, start }) })
    const cost = config.cache.blockTokens
    const { value, loaded } = await live.blocks.get(layer.digest, {
      label: packet.packetId,
      bytes: bytesOf(layer),
      cost,
      load,
    })
    if (loaded) bytesRead += layer.size
    // A layer may be somebody else's too, under a config that says other things of it.
    return (fits(value, config, start) ? value : await load()).block
  }
  const recurrent = async (layer: Descriptor): Promise<readonly RecurrentLayer[]> => {
    const load = async () => ({ dtype, layers: await decodeRecurrent(await blobs.read(layer), config) })
    const what = { label: packet.packetId, bytes: bytesOf(layer), cost: config.position.next, load }
    const { value, loaded } = await live.snapshots.get(layer.digest, what)
    if (loaded) bytesRead += layer.size
    return (sameShapes(value, config) ? value : await load()).layers
  }
  const [blocks, layers] = await Promise.all([
    Promise.all(layersOfType(packet, LAYER_TYPES.kv).map(block)),
    Promise.all(layersOfType(packet, LAYER_TYPES.ssm).map(recurrent)),
  ])
  return {
    snapshot: {
      kind: config.kind,
      position: config.position.next,
      blocks,
      recurrent: layers.flat(),
      label: packet.packetId,
    },
    bytesRead,
  }
}

/** Keeps the layers of a packet that was just made: whoever opens it next finds them as the store would give them back. */
export async function poolLayers(
  { live }: Pick<PacketContext, 'live'>,
  { packetId, config, layers, blocks: atHand }: Assembled,
): Promise<void> {
  const blocks = layers.filter(({ mediaType }) => mediaType === LAYER_TYPES.kv)
  const { dtype } = config.cache
  const made = layers.filter(layer => 'bytes' in layer)
  for (const layer of made) {
    const isStored = live.unstored.inMemory(layer.digest) === null
    const what = { label: packetId, bytes: isStored ? layer.size : 0 }
    if (layer.mediaType === LAYER_TYPES.kv) {
      const index = blocks.indexOf(layer)
      const start = index * config.cache.blockTokens
      // The very blocks that a session's buffers hold now; what is in memory only lies on the layer's own bytes instead.
      const block = (isStored ? atHand?.[index] : undefined) ?? (await decodeKvBlock(layer.bytes, { config, start }))
      live.blocks.put(layer.digest, { dtype, block }, { ...what, cost: config.cache.blockTokens })
    }
    if (layer.mediaType === LAYER_TYPES.ssm) {
      const layers = await decodeRecurrent(layer.bytes, config)
      live.snapshots.put(layer.digest, { dtype, layers }, { ...what, cost: config.position.next })
    }
  }
}

function fits(
  { dtype, block }: PooledBlock,
  { cache, tokens }: Pick<CartridgeConfig, 'cache' | 'tokens'>,
  start: number,
): boolean {
  return (
    dtype === cache.dtype &&
    block.start === start &&
    block.tokens === Math.min(cache.blockTokens, tokens.count - start) &&
    block.layers.length === cache.kv.length &&
    cache.kv.every(({ layer, kvHeads, headDim }, index) => {
      const own = block.layers[index]
      return own?.layer === layer && own.kvHeads === kvHeads && own.headDim === headDim
    })
  )
}

function sameShapes({ dtype, layers }: PooledRecurrent, { cache }: Pick<CartridgeConfig, 'cache'>): boolean {
  return (
    dtype === cache.dtype &&
    layers.length === cache.ssm.length &&
    cache.ssm.every(({ layer, conv, ssm }, index) => {
      const own = layers[index]
      return own?.layer === layer && String(own.convDims) === String(conv) && String(own.ssmDims) === String(ssm)
    })
  )
}
