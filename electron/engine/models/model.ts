/** What an opened model is, for every other part: its identity, its state's shape and its compiled graph. */
import type { Digest } from '#shared/domain/digest.ts'
import type { OnnxType } from './compile/onnxProto.ts'
import type { Tokenizer } from './tokenizer/tokenizer.ts'

export type ModelKind = 'kv' | 'ssm' | 'hybrid'
/** How the weights are held: the checkpoint's values widened to float32, or a converted copy. */
export type Precision = 'float32' | 'float16' | 'int8' | 'int4'

/** One layer of keys and values: `[kvHeads, tokens, headDim]` each, keys already rotated. */
export interface KvLayer {
  readonly kind: 'kv'
  readonly kvHeads: number
  readonly headDim: number
}

/**
 * One recurrent layer: `conv` `[channels, kernel - 1]` (the last conv inputs, oldest first) and `ssm`
 * `[d_inner, state]` (Mamba), `[heads, head_dim, state]` (Mamba-2) or `[heads, key_dim, value_dim]` (gated delta rule). A
 * layer that has only one of the two keeps a single zero in the other's place.
 */
export interface SsmLayer {
  readonly kind: 'ssm'
  readonly conv: readonly [channels: number, columns: number]
  readonly ssm: readonly number[]
}

/** A layer's state with the layer's number. */
export type NumberedLayer = (KvLayer | SsmLayer) & { readonly layer: number }

/**
 * The shape of a model's state. Hybrids list it in layer order, and a layer that has attention and a recurrence side by
 * side twice; the others say one layer's shape once.
 */
export type StateGeometry =
  | (KvLayer & { readonly layers: number })
  | (SsmLayer & { readonly layers: number })
  | { readonly kind: 'hybrid'; readonly perLayer: readonly NumberedLayer[] }

/** What a state is bound to: two models with equal fingerprints read and write each other's states. */
export interface ModelFingerprint {
  readonly name: string
  readonly architecture: string
  /** SHA-256 of the raw config.json. */
  readonly configDigest: Digest
  /** SHA-256 of RFC 8785 of the sorted list [{name, dtype, shape, sha256}] of all tensors: independent of sharding. */
  readonly weightsDigest: Digest
  readonly tokenizerDigest: Digest | null
  readonly precision: Precision
}

/** A component of the Big 8+4 that is bound by digest: the digest of its own tensors, and the main tensor's shape. */
export interface BoundComponent {
  readonly name: string
  readonly digest: Digest
  readonly shape: readonly number[]
  /** Why it is bound more coarsely than by its own tensors. */
  readonly reason?: string
}

/** Components 2 (embeddings), 7 (norms) and 8 (attention or mixer weights); norms and mixers have one entry a layer. */
export interface ModelComponents {
  readonly embeddings: BoundComponent
  readonly norms: readonly BoundComponent[]
  readonly mixers: readonly BoundComponent[]
}

/** How positions enter the model (component 3 of the Big 8+4). */
export interface PositionScheme {
  readonly scheme: 'learned' | 'rotary' | 'none'
  /** rotary: theta, headDim and the scaling as configured; learned: the table's length. */
  readonly parameters: Readonly<Record<string, string | number | boolean | null>>
}

export interface TensorSpec {
  readonly name: string
  readonly type: OnnxType
  /** Numbers are fixed; a string is a dimension named after what it counts. */
  readonly dims: readonly (number | string)[]
}

/**
 * An ONNX graph made from a checkpoint, whose weights stay in the checkpoint's own safetensors file.
 *
 * Load: `InferenceSession.create(bytes, {extra: {session: {model_external_initializers_file_folder_path: externalFolder}}})`.
 *
 * Inputs and outputs (B rows, T new tokens, S capacity of the key/value buffers, L layer):
 * | input | type, shape | what |
 * |---|---|---|
 * | `input_ids` | int64 [B, T] | the new tokens |
 * | `num_logits` | int64 scalar, 0..T | of how many last positions logits are wanted |
 * | `seqlens_k` | int32 [B] | kv only: tokens in the row *after* this run, minus 1 (past + T - 1) |
 * | `total_sequence_length` | int32 scalar | kv only: the longest row after this run (past + T) |
 * | `past_key_values.L.key`, `.value` | float32 [B, kvHeads, S, headDim] | kv: S >= total_sequence_length to append in place, or S = 0 at first |
 * | `past_conv.L` | float32 [B, channels, kernel - 1] | ssm: zeros at first |
 * | `past_ssm.L` | float32 [B, d_inner, state] or [B, heads, head_dim, state] | ssm: zeros at first |
 *
 * Outputs: `logits` float32 [B, num_logits, vocab]; `present.L.key`, `present.L.value` (give the past tensor itself as the
 * preallocated output and the new keys and values are written into it: a step copies O(T), not O(S));
 * `present_conv.L`, `present_ssm.L`.
 *
 * kv graphs with more than one row take either T = 1 or an empty past (a limit of GroupQueryAttention).
 */
export interface CompiledGraph {
  readonly bytes: Uint8Array
  /**
   * The same for the processor: its numbers do not depend on how a text is cut into runs, and the buffers of keys and values must
   * have room for one token more than there are. Absent of an export, which is as its file says.
   */
  readonly onHost?: () => Uint8Array
  /** The real folder (no links) of the weight files. */
  readonly externalFolder: string
  /**
   * Lays the weights out first, where that has not been done: returns the real folder then. Numbers laid out so far are
   * reported. Throws `E_READ_ONLY`, `E_DISK_FULL`, `E_CANCELLED`.
   */
  readonly prepare?: (options: {
    readonly signal?: AbortSignal
    readonly onProgress?: (progress: { done: number; total: number }) => void
  }) => Promise<string>
  /** True for a Hugging Face ONNX export with nodes around it that give it this interface, for one row at a time. */
  readonly isExport?: boolean
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
}

export interface Model {
  readonly name: string
  /** The folder, or the GGUF file. */
  readonly folder: string
  readonly kind: ModelKind
  /** `model_type` of config.json. */
  readonly architecture: string
  readonly weightsBytes: number
  /** Bytes that the weights take in memory once they are loaded, as far as headers tell. */
  readonly loadedBytes: number
  /** The types of GGUF that the weights are quantised in, the one with most bytes first. */
  readonly quantisedTypes: readonly string[]
  /** Numbers in the weights: tied tables once, constants saved along not at all. */
  readonly parameters: number
  readonly vocabSize: number
  /** null: no limit. */
  readonly contextLength: number | null
  /** config.json, normalised to one layout. */
  readonly config: Readonly<Record<string, unknown>>
  readonly configBytes: Uint8Array
  readonly generationConfigBytes: Uint8Array | null
  /** Ids that end a text, from every file that names some; all of them below {@link Model.vocabSize}. */
  readonly eosTokenIds: readonly number[]
  /** What the folder says and this app leaves out, in words. */
  readonly notes: readonly string[]
  readonly geometry: StateGeometry
  readonly position: PositionScheme
  readonly fingerprint: ModelFingerprint
  readonly components: ModelComponents
  readonly tokenizer: Tokenizer | null
  readonly graph: CompiledGraph
}
