/** States between the store and a session: layers come from memory where they are there, verified when they came in. */
import type { CartridgeConfig } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type Descriptor, LAYER_TYPES } from '#shared/domain/oci.ts'
import { isLent } from '../inference/lentBlock.ts'
import type { KvBlock, RecurrentLayer, StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LiveState, PooledBlock, PooledRecurrent } from '../live/liveState.ts'
import { isNew, type LayerInput } from '../store/manifests.ts'
import type { Assembled } from './assemble.ts'
import type { PacketContext } from './context.ts'
import { layersOfType, type Packet } from './packet.ts'
import { decodeKvBlock, decodeRecurrent } from './stateLayers.ts'

interface Loaded {
  readonly snapshot: StateSnapshot
  /** What had to come from disk. */
  readonly bytesRead: number
}

/**
 * The state of a packet, its layers shared with everyone who has them, verified. `tokens`: of keys and values only the blocks up
 * to the one that holds the last of so many. Throws what reading and decoding throw.
 */
export async function readLiveSnapshot(
  context: Pick<PacketContext, 'blobs' | 'live'>,
  packet: Packet,
  tokens = packet.config.position.next,
): Promise<Loaded> {
  const { config } = packet
  const { blobs, live } = context
  let bytesRead = 0
  const { dtype } = config.cache
  const read = async (layer: Descriptor) => {
    const bytes = await blobs.read(layer)
    bytesRead += layer.size
    return bytes
  }
  /** Of what this reads, deepest first: so it enters the pool, whichever was read first. */
  const loads: Promise<PooledBlock>[] = []
  const block = async (layer: Descriptor, index: number): Promise<KvBlock> => {
    const start = index * config.cache.blockTokens
    const decode = async () => ({ dtype, block: await decodeKvBlock(await read(layer), { config, start }) })
    const load = async () => {
      const decoded = decode()
      loads.push(decoded)
      await Promise.allSettled(loads)
      return decoded
    }
    const cost = Math.min(config.cache.blockTokens, config.tokens.count - start)
    const bytes = (pooled: PooledBlock) => bytesBeside(live, layer, pooled)
    const what = { label: packet.packetId, bytes, cost, load }
    const { value } = await live.blocks.get(layer.digest, what)
    // A layer may be somebody else's too, under a config that says other things of it.
    return (fits(value, config, start) ? value : await decode()).block
  }
  const needed = Math.ceil(tokens / config.cache.blockTokens)
  const layersOfBlocks = layersOfType(packet, LAYER_TYPES.kv)
  const recurrent = async (layer: Descriptor): Promise<readonly RecurrentLayer[]> => {
    const load = async () => ({ dtype, layers: await decodeRecurrent(await read(layer), config) })
    const bytes = (pooled: PooledRecurrent) => bytesBeside(live, layer, pooled)
    const what = { label: packet.packetId, bytes, cost: config.position.next, load }
    const { value } = await live.snapshots.get(layer.digest, what)
    return (sameShapes(value, config) ? value : await load()).layers
  }
  const [blocks, layers] = await Promise.all([
    // The deepest first: a block is of use only with all before it, so of those that are worth the same it is to go first.
    Promise.all([...layersOfBlocks.slice(0, needed).entries()].reverse().map(([index, layer]) => block(layer, index))),
    Promise.all(layersOfType(packet, LAYER_TYPES.ssm).map(recurrent)),
  ])
  const position = needed < layersOfBlocks.length ? needed * config.cache.blockTokens : config.position.next
  return {
    snapshot: {
      ...{ kind: config.kind, position },
      blocks: blocks.reverse(),
      recurrent: layers.flat(),
      label: packet.packetId,
    },
    bytesRead,
  }
}

/** Keeps the layers of a packet that was just made: whoever opens it next finds them as the store would give them back. */
export async function poolLayers(
  { live }: Pick<PacketContext, 'live'>,
  { packetId, config, layers, atHand }: Assembled,
): Promise<void> {
  const blocks = layers.filter(({ mediaType }) => mediaType === LAYER_TYPES.kv)
  const { dtype } = config.cache
  const made = layers.filter(isNew)
  for (const layer of made.reverse()) {
    const kept = live.unstored.inMemory(layer.digest)
    const what = { label: packetId, bytes: (pooled: PooledBlock | PooledRecurrent) => bytesBeside(live, layer, pooled) }
    if (layer.mediaType === LAYER_TYPES.kv) {
      const index = blocks.indexOf(layer)
      const start = index * config.cache.blockTokens
      // The very blocks that a session's buffers hold now; what is in memory only lies on the layer's own bytes instead.
      const there = kept === null ? atHand?.blocks[index] : undefined
      const block = there ?? (await decodeKvBlock(bytesOf(kept ?? layer), { config, start }))
      const pooled = { dtype, block }
      live.blocks.put(layer.digest, pooled, { ...what, cost: block.tokens })
      if (isLent(block)) block.onOwn = () => live.blocks.recount(layer.digest, pooled)
    }
    if (layer.mediaType === LAYER_TYPES.ssm) {
      const layers = atHand?.recurrent ?? (await decodeRecurrent(bytesOf(layer), config))
      live.snapshots.put(layer.digest, { dtype, layers }, { ...what, cost: config.position.next })
    }
  }
}

/** Of a layer that was made and is not at hand. */
function bytesOf(layer: LayerInput): Uint8Array {
  if ('bytes' in layer) return layer.bytes
  throw new StatePackError('E_INTERNAL', 'A layer is neither in memory nor at hand.', { digest: layer.digest })
}

/** Bytes that keeping a decoded layer takes: its own where it lies on them and nobody else keeps them, else its numbers'. */
function bytesBeside(live: LiveState, { digest, size }: Descriptor, pooled: PooledBlock | PooledRecurrent): number {
  // Counted with the buffers that they stand in.
  if ('block' in pooled && isLent(pooled.block)) return 0
  // Halves of a recurrent state are widened at once.
  if (pooled.dtype === 'float32' || (pooled.dtype === 'float16' && 'block' in pooled))
    return live.unstored.inMemory(digest) === null ? size : 0
  const arrays =
    'block' in pooled
      ? pooled.block.layers.flatMap(({ key, value }) => [key, value])
      : pooled.layers.flatMap(({ conv, ssm }) => [conv, ssm])
  return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0)
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
