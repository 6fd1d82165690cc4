import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { nameFromTitle } from '#shared/domain/name.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import type { Trust } from '#shared/domain/trust.ts'
import { prefixMarks } from '../live/prefixIndex.ts'
import type { Operation } from '../record/recorder.ts'
import { inParallel } from '../store/inParallel.ts'
import { isNew, type LayerInput } from '../store/manifests.ts'
import type { Assembled } from './assemble.ts'
import type { Call, PacketContext } from './context.ts'
import { modelIdentity } from './contextId.ts'
import { poolLayers } from './liveSnapshot.ts'
import { readPacket } from './packet.ts'
import { blobSha256 } from './stateLayers.ts'

export interface Publication {
  readonly assembled: Assembled
  readonly call: Call
  readonly trust: Trust
  readonly name?: string | undefined
  /** See `PublishOptions.isRetained`. */
  readonly isRetained?: boolean
  /** See `PublishOptions.checkStanding`. */
  readonly checkStanding?: boolean
  /** What to record of the operation. Said of the packet that holds the context now: ours or the first writer's. */
  readonly operation: (at: { packetId: Digest; blobSha256: Digest; bytesWritten: number }) => Operation
}

export interface Published {
  readonly packetId: Digest
  readonly cacheHit: boolean
  readonly bytesWritten: number
  readonly receipt: Receipt
}

/** Stores an assembled cartridge: blobs, manifest, receipt, name, each durable before the next. Cancelled before: nothing is visible. */
export async function publish(context: PacketContext, publication: Publication): Promise<Published> {
  const { assembled, call, trust, name } = publication
  if (call.signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
  let receipt: Receipt | null = null
  const { packetId, cacheHit, bytesWritten } = await context.store.publishPacket({
    config: assembled.configBlob,
    layers: await inParallel(assembled.layers, 16, layer => withBytes(context, layer)),
    trust,
    checkStanding: publication.checkStanding,
    isRetained: publication.isRetained,
    names: name === undefined ? [] : [name],
    receipt: async at => {
      const { packetId } = at
      const isOurs = packetId === assembled.packetId
      const stands = isOurs ? assembled.blobSha256 : blobSha256((await readPacket(context.blobs, packetId)).config)
      receipt = await context.recorder.record(publication.operation({ ...at, blobSha256: stands }))
    },
  })
  if (receipt === null) throw new StatePackError('E_INTERNAL', 'A cartridge was stored without a receipt.')
  await poolLayers(context, assembled)
  context.changed([packetId])
  return { packetId, cacheHit, bytesWritten, receipt }
}

/** What of its parent was not stored is stored with it. The bytes alone: what they are here, the layer says. */
async function withBytes({ live }: Pick<PacketContext, 'live'>, layer: LayerInput): Promise<LayerInput> {
  const kept = isNew(layer) ? null : await live.unstored.blobOf(layer.digest)
  return kept === null ? layer : { ...layer, bytes: kept.bytes }
}

/** Keeps an assembled cartridge in memory only: it can be resolved while the engine runs. `base`: whose layers it shares. */
export async function keepUnstored(
  { live }: Pick<PacketContext, 'live'>,
  assembled: Assembled,
  { tokens, base }: { readonly tokens: Int32Array; readonly base: Digest | undefined },
): Promise<void> {
  const { packetId, contextId, manifestBlob, config, configBlob, layers } = assembled
  const blobs = [manifestBlob, configBlob, ...layers.filter(layer => 'bytes' in layer)]
  const shared = layers.filter(layer => layer.mediaType === LAYER_TYPES.kv && !('bytes' in layer)).length
  // A recurrent state is read again from the start.
  const known = config.kind === 'kv' ? shared * config.cache.blockTokens : 0
  const cost = Math.max(1, config.position.next - known)
  live.unstored.add({ packetId, contextId, cost, layers, base }, blobs)
  const marks = config.origin.kind === 'tokens' ? prefixMarks(modelIdentity(config.model), tokens) : []
  live.prefixes.add({ packetId, dtype: config.cache.dtype, marks })
  await poolLayers({ live }, assembled)
}

/** A name made of a title: the first of `title`, `title (2)`, `title (3)` … that no cartridge and no collection has. */
export function freeName({ store }: Pick<PacketContext, 'store'>, from: string): string {
  const { packets, collections } = store.library
  const isFree = (name: string) => packets.names.named(name) === null && collections.named(name) === null
  const title = nameFromTitle(from)
  if (isFree(title)) return title
  let number = 2
  while (!isFree(`${title} (${number})`)) number++
  return `${title} (${number})`
}

/** Refuses a name that another cartridge has: `E_CONFLICT`. */
export function assertFreeName({ store }: Pick<PacketContext, 'store'>, name: string, own: Digest | null = null): void {
  const owner = store.library.packets.names.named(name)
  if (owner === null || owner === own) return
  throw new StatePackError('E_CONFLICT', `Another cartridge is called "${name}".`, { name, packetId: owner })
}
