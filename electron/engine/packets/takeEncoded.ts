import type { StateDtype } from '#shared/domain/cartridge.ts'
import { type Descriptor, LAYER_TYPES } from '#shared/domain/oci.ts'
import type { Session } from '../inference/session.ts'
import { BLOCK_TOKENS, type KvBlock, type StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LayerInput } from '../store/manifests.ts'
import { newBlob, newBlobAside } from '../store/newBlob.ts'
import { type BlockConfig, decodeKvBlock, decodeRecurrent, encodeKvBlock, encodeRecurrent } from './stateLayers.ts'

/** A state's cache layers, and the state that the store will give back from them. */
export interface EncodedState {
  /** KV blocks in order, then the SSM snapshot. */
  readonly cache: readonly LayerInput[]
  /** Its numbers lie on the layers' bytes, where their dtype is one that models run in. */
  readonly stored: StateSnapshot
}

interface StoredBlock {
  readonly layer: LayerInput
  readonly block: KvBlock
}

/**
 * Takes the state of a session out as it will be stored, block by block: beside the session's own buffers there is one copy
 * of it, in the dtype of the store. `shared`: layers of its first full blocks that are stored already.
 */
export async function takeEncoded(
  session: Session,
  { dtype, shared = [] }: { readonly dtype: StateDtype; readonly shared?: readonly Descriptor[] | undefined },
): Promise<EncodedState> {
  let cache: BlockConfig['cache'] | null = null
  const store = async (block: KvBlock): Promise<{ readonly stored: Promise<StoredBlock> }> => {
    const { start, tokens, layers } = block
    const known = shared[start / BLOCK_TOKENS]
    if (known !== undefined) return { stored: Promise.resolve({ layer: known, block }) }
    const bytes = await encodeKvBlock(block, dtype)
    const kv = layers.map(({ layer, kvHeads, headDim }) => ({ layer, kvHeads, headDim }))
    cache ??= { dtype, blockTokens: BLOCK_TOKENS, kv }
    const config = { cache, tokens: { count: start + tokens } }
    // Hashed while the next one is taken out.
    const stored = newBlobAside(LAYER_TYPES.kv, bytes).then(async layer => ({
      layer,
      block: await decodeKvBlock(layer.bytes, { config, start }),
    }))
    // Where the next one fails first, nobody waits for it.
    stored.catch(() => {})
    return { stored }
  }
  const { blocks, recurrent, ...rest } = await session.captureAs(store)
  const kept = await Promise.all(blocks.map(({ stored }) => stored))
  const state = { ...rest, blocks: kept.map(({ block }) => block) }
  const layers = kept.map(({ layer }) => layer)
  if (recurrent.length === 0) return { cache: layers, stored: { ...state, recurrent } }
  const bytes = await encodeRecurrent(recurrent, dtype)
  const ssm = recurrent.map(({ layer, convDims, ssmDims }) => ({ layer, conv: [...convDims], ssm: [...ssmDims] }))
  return {
    cache: [...layers, newBlob(LAYER_TYPES.ssm, bytes)],
    stored: { ...state, recurrent: await decodeRecurrent(bytes, { cache: { dtype, ssm } }) },
  }
}
