/** What every kind of model on disk gives, whatever its files are: a hub folder, an ONNX export, a GGUF file. */
import type { Digest } from '#shared/domain/digest.ts'
import type { CompiledGraph, ModelComponents, PositionScheme, Precision, StateGeometry } from '../model.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { TokenizerFiles } from '../tokenizer/tokenizerFiles.ts'
import type { TokenizerTrialOptions } from '../tokenizer/tokenizerTrial.ts'
import type { HashOptions } from './fingerprint.ts'

export interface ModelSource {
  /** What people would call it. */
  readonly name: string
  /** The folder or file that was pointed at. */
  readonly path: string
  /** config.json, or what stands for it. */
  readonly configBytes: Uint8Array
  /** `model_type` of the language model in it. */
  readonly architecture: string
  readonly generationConfigBytes: Uint8Array | null
  /** The end ids that any of its files name, each once. */
  readonly eosTokenIds: readonly number[]
  /** null when it has none. Throws `E_TOKENIZER`, `E_CANCELLED`. */
  openTokenizer(options: TokenizerTrialOptions): Promise<Tokenizer | null>
  /** What its files say, without what makes it run; null when there is no tokenizer. Throws `E_TOKENIZER`. */
  describeTokenizer(): Promise<Pick<TokenizerFiles, 'chatTemplate' | 'notes'> | null>
  /** Reads and checks headers only. Throws `E_NOT_SUPPORTED`, `E_MODEL_CONFIG`, `E_MODEL_WEIGHTS`. */
  planWeights(precision: Precision | undefined): Promise<PlannedWeights>
}

/** A model's weights before any of them was read. */
export interface PlannedWeights {
  readonly geometry: StateGeometry
  readonly vocabSize: number
  readonly contextLength: number | null
  readonly position: PositionScheme
  readonly config: Readonly<Record<string, unknown>>
  readonly parameters: number
  readonly precision: Precision
  /** Bytes of the files that hold them. */
  readonly bytes: number
  /** Bytes that they take in memory once they are loaded, as far as headers tell. */
  readonly loadedBytes: number
  /** The types of GGUF that they are quantised in, the one with most bytes first. */
  readonly quantisedTypes: readonly string[]
  /** Hashes the weights, converting them first where the precision asks for that. Throws `E_CANCELLED`, `E_MODEL_WEIGHTS`. */
  identify(options: IdentifyOptions): Promise<IdentifiedWeights>
}

export interface IdentifyOptions extends HashOptions {
  /** Where weights in another form are kept; default beside the model. */
  readonly convertedFolder?: string
  /** Numbers converted so far. */
  readonly onConvert?: (progress: { done: number; total: number }) => void
}

export interface IdentifiedWeights {
  readonly digest: Digest
  readonly graph: CompiledGraph
  readonly components: ModelComponents
}
