import type { StateDtype } from '#shared/domain/cartridge.ts'
import { type Descriptor, LAYER_TYPES } from '#shared/domain/oci.ts'
import type { Session } from '../inference/session.ts'
import { BLOCK_TOKENS, type KvBlock, type StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LayerInput } from '../store/manifests.ts'
import { newBlob } from '../store/newBlob.ts'
import { type BlockConfig, decodeKvBlock, decodeRecurrent, encodeKvBlock, encodeRecurrent } from './stateLayers.ts'

/** A state's cache layers, and the state that the store will give back from them. */
export interface EncodedState {
  /** KV blocks in order, then the SSM snapshot. */
  readonly cache: readonly LayerInput[]
  /** Its numbers lie on the layers' bytes, where their dtype is one that models run in. */
  readonly stored: StateSnapshot
}

/**
 * Takes the state of a session out as it will be stored, block by block: beside the session's own buffers there is one copy
 * of it, in the dtype of the store. `shared`: layers of its first full blocks that are stored already.
 */
export async function takeEncoded(
  session: Session,
  { dtype, shared = [] }: { readonly dtype: StateDtype; readonly shared?: readonly Descriptor[] | undefined },
): Promise<EncodedState> {
  const cache: LayerInput[] = [...shared]
  let shape: BlockConfig['cache'] | null = null
  const block = async (taken: KvBlock): Promise<KvBlock> => {
    const { start, tokens, layers } = taken
    if (start < shared.length * BLOCK_TOKENS) return taken
    const bytes = await encodeKvBlock(taken, dtype)
    cache.push(newBlob(LAYER_TYPES.kv, bytes))
    const kv = layers.map(({ layer, kvHeads, headDim }) => ({ layer, kvHeads, headDim }))
    shape ??= { dtype, blockTokens: BLOCK_TOKENS, kv }
    return decodeKvBlock(bytes, { config: { cache: shape, tokens: { count: start + tokens } }, start })
  }
  const taken = await session.capture(block)
  if (taken.recurrent.length === 0) return { cache, stored: taken }
  const bytes = await encodeRecurrent(taken.recurrent, dtype)
  cache.push(newBlob(LAYER_TYPES.ssm, bytes))
  const ssm = taken.recurrent.map(({ layer, convDims, ssmDims }) => ({ layer, conv: [...convDims], ssm: [...ssmDims] }))
  return { cache, stored: { ...taken, recurrent: await decodeRecurrent(bytes, { cache: { dtype, ssm } }) } }
}
