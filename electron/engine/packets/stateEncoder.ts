import type { StateDtype } from '#shared/domain/cartridge.ts'
import { type Descriptor, LAYER_TYPES } from '#shared/domain/oci.ts'
import type { Session } from '../inference/session.ts'
import { BLOCK_TOKENS, type BlockSink, type KvBlock, type StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LayerInput } from '../store/manifests.ts'
import { type NewBlob, newBlob, newBlobAside } from '../store/newBlob.ts'
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

/** Blocks that are hashed and kept while the next ones are taken: more would be more memory, where the disk is slower than the model. */
const ON_THEIR_WAY = 3

/**
 * Takes a state out as it will be stored, block by block, beginning while its session still reads: each is converted, hashed on
 * another thread and kept, while the model goes on. `shared`: layers of its first full blocks that are stored already.
 */
export class StateEncoder implements BlockSink, AsyncDisposable {
  readonly #dtype: StateDtype
  readonly #shared: readonly Descriptor[]
  readonly #keep: (blob: NewBlob) => Promise<LayerInput>
  readonly #taken: Promise<StoredBlock>[] = []
  #cache: BlockConfig['cache'] | null = null

  /** `keep`: puts a layer where it is found when the state is published. */
  constructor({
    dtype,
    shared = [],
    keep,
  }: {
    readonly dtype: StateDtype
    readonly shared?: readonly Descriptor[] | undefined
    readonly keep: (blob: NewBlob) => Promise<LayerInput>
  }) {
    this.#dtype = dtype
    this.#shared = shared
    this.#keep = keep
  }

  get length(): number {
    return this.#taken.length
  }

  /** Throws `E_NOT_SUPPORTED` when a number does not fit the dtype, and what keeping those before threw. */
  async add(block: KvBlock): Promise<void> {
    const layer = this.#shared[block.start / BLOCK_TOKENS]
    if (layer !== undefined) {
      this.#taken.push(Promise.resolve({ layer, block }))
      return
    }
    const stored = this.#store(await encodeKvBlock(block, this.#dtype), block)
    // Where another one fails first, nobody waits for it.
    stored.catch(() => {})
    this.#taken.push(stored)
    await this.#taken.at(-1 - ON_THEIR_WAY)
  }

  /** The rest of the state, and all of it. Throws what {@link StateEncoder.add} throws. */
  async end(session: Session): Promise<EncodedState> {
    const { recurrent, ...rest } = await session.captureInto(this)
    const kept = await Promise.all(this.#taken)
    const state = { ...rest, blocks: kept.map(({ block }) => block) }
    const layers = kept.map(({ layer }) => layer)
    if (recurrent.length === 0) return { cache: layers, stored: { ...state, recurrent } }
    const encoded = newBlob(LAYER_TYPES.ssm, await encodeRecurrent(recurrent, this.#dtype))
    const ssm = recurrent.map(({ layer, convDims, ssmDims }) => ({ layer, conv: [...convDims], ssm: [...ssmDims] }))
    return {
      cache: [...layers, await this.#keep(encoded)],
      stored: { ...state, recurrent: await decodeRecurrent(encoded.bytes, { cache: { dtype: this.#dtype, ssm } }) },
    }
  }

  /** Waits for what is still on its way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#taken)
  }

  async #store(bytes: Uint8Array<ArrayBuffer>, { start, tokens, layers }: KvBlock): Promise<StoredBlock> {
    const kv = layers.map(({ layer, kvHeads, headDim }) => ({ layer, kvHeads, headDim }))
    this.#cache ??= { dtype: this.#dtype, blockTokens: BLOCK_TOKENS, kv }
    const config = { cache: this.#cache, tokens: { count: start + tokens } }
    const blob = await newBlobAside(LAYER_TYPES.kv, bytes)
    const [layer, block] = await Promise.all([this.#keep(blob), decodeKvBlock(blob.bytes, { config, start })])
    return { layer, block }
  }
}
