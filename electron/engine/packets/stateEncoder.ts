import type { StateDtype } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type Descriptor, LAYER_TYPES } from '#shared/domain/oci.ts'
import type { Session } from '../inference/session.ts'
import { BLOCK_TOKENS, type BlockSink, type KvBlock, type StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LayerInput } from '../store/manifests.ts'
import { type NewBlob, newBlob, newBlobAside } from '../store/newBlob.ts'
import { type BlockConfig, decodeKvBlock, decodeRecurrent, encodeKvBlock, encodeRecurrent } from './stateLayers.ts'

/** A state's cache layers, and the state that the store will give back from them. */
export interface EncodedState {
  /** KV blocks in order, then the SSM snapshot, once all of them are kept. */
  readonly cache: Promise<readonly LayerInput[]>
  /**
   * Its numbers lie on the layers' bytes, where their dtype is one that models run in. null: a block that the store has, and memory
   * only as its session read it.
   */
  readonly stored: Omit<StateSnapshot, 'blocks'> & { readonly blocks: readonly (KvBlock | null)[] }
}

/** A block that was hashed; kept when the layer is there. */
interface StoredBlock {
  readonly layer: Promise<LayerInput>
  readonly block: KvBlock | null
}

/** Blocks that are hashed and kept while the next ones are taken: more would be more memory, where the disk is slower than the model. */
const ON_THEIR_WAY = 3

/**
 * Takes a state out as it will be stored, block by block, beginning while its session still reads: each is converted, hashed on
 * another thread and kept, while the model goes on.
 */
export class StateEncoder implements BlockSink, AsyncDisposable {
  readonly #dtype: StateDtype
  readonly #shared: readonly Descriptor[]
  readonly #keep: (blob: NewBlob) => Promise<LayerInput>
  readonly #forgetsTo: number
  readonly #taken: Promise<StoredBlock>[] = []
  #cache: BlockConfig['cache'] | null = null
  /** A state that is being taken: whoever began it may be gone before it is. */
  #taking: Promise<EncodedState> | null = null
  /** The layer of its recurrent part, on its way. */
  #recurrent: Promise<LayerInput> | null = null
  #isOver = false

  constructor({
    dtype,
    shared = [],
    keep,
    forgetsTo = 0,
  }: {
    readonly dtype: StateDtype
    /** Layers of its first full blocks that are stored already. */
    readonly shared?: readonly Descriptor[] | undefined
    /** Puts a layer where it is found when the state is published. */
    readonly keep: (blob: NewBlob) => Promise<LayerInput>
    /** Of blocks up to this position memory keeps nothing once `keep` has them. */
    readonly forgetsTo?: number
  }) {
    this.#dtype = dtype
    this.#shared = shared
    this.#keep = keep
    this.#forgetsTo = forgetsTo
  }

  get length(): number {
    return this.#taken.length
  }

  /** Throws `E_NOT_SUPPORTED` when a number does not fit the dtype, and what keeping those before threw. */
  async add(block: KvBlock): Promise<void> {
    const layer = this.#shared[block.start / BLOCK_TOKENS]
    if (layer !== undefined) {
      this.#taken.push(Promise.resolve({ layer: Promise.resolve(layer), block }))
      return
    }
    const bytes = await encodeKvBlock(block, this.#dtype)
    this.#assertWanted()
    this.#taken.push(heard(this.#store(bytes, block)))
    await (await this.#taken.at(-1 - ON_THEIR_WAY))?.layer
  }

  /** The rest of the state, and all of it, while what is on its way arrives. Throws what {@link StateEncoder.add} throws. */
  async end(session: Session): Promise<EncodedState> {
    return this.take(await session.captureInto(this))
  }

  /** The same of a state that was captured into it. */
  take(rest: Omit<StateSnapshot, 'blocks'>): Promise<EncodedState> {
    this.#taking = this.#all(rest)
    return this.#taking
  }

  /** Nobody waits for what is taken when it is over. */
  #assertWanted(): void {
    if (this.#isOver) throw new StatePackError('E_CANCELLED', 'Cancelled.')
  }

  async #all({ kind, position, recurrent }: Omit<StateSnapshot, 'blocks'>): Promise<EncodedState> {
    const kept = await Promise.all(this.#taken)
    const state = { kind, position, blocks: kept.map(({ block }) => block) }
    const layers = kept.map(({ layer }) => layer)
    if (recurrent.length === 0) return { cache: arrived(layers), stored: { ...state, recurrent } }
    const encoded = newBlob(LAYER_TYPES.ssm, await encodeRecurrent(recurrent, this.#dtype))
    this.#assertWanted()
    this.#recurrent = heard(this.#keep(encoded))
    const ssm = recurrent.map(({ layer, convDims, ssmDims }) => ({ layer, conv: [...convDims], ssm: [...ssmDims] }))
    return {
      cache: arrived([...layers, this.#recurrent]),
      stored: { ...state, recurrent: await decodeRecurrent(encoded.bytes, { cache: { dtype: this.#dtype, ssm } }) },
    }
  }

  /** Takes no more, and waits for what is still on its way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#taking?.catch(() => {})
    const taken = await Promise.allSettled(this.#taken)
    const layers = taken.map(result => (result.status === 'fulfilled' ? result.value.layer : null))
    await Promise.allSettled([...layers, this.#recurrent])
  }

  async #store(bytes: Uint8Array<ArrayBuffer>, { start, tokens, layers }: KvBlock): Promise<StoredBlock> {
    const kv = layers.map(({ layer, kvHeads, headDim }) => ({ layer, kvHeads, headDim }))
    this.#cache ??= { dtype: this.#dtype, blockTokens: BLOCK_TOKENS, kv }
    const config = { cache: this.#cache, tokens: { count: start + tokens } }
    const blob = await newBlobAside(LAYER_TYPES.kv, bytes)
    const block = start + tokens <= this.#forgetsTo ? null : await decodeKvBlock(blob.bytes, { config, start })
    return { layer: heard(this.#keep(blob)), block }
  }
}

function arrived(layers: readonly Promise<LayerInput>[]): Promise<readonly LayerInput[]> {
  return heard(Promise.all(layers))
}

/** Where something else fails first, nobody waits for it. */
export function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
