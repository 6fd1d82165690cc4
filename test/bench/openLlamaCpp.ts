/** llama.cpp through node-llama-cpp 3, as far as it is used here: llama_decode and llama_state_seq_* without its sampling. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

interface Binding {
  setThreads(threads: number): void
  initBatch(size: number): void
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logitsOf: Uint32Array): Uint32Array
  decodeBatch(): Promise<void>
  disposeSequence(sequence: number): void
  saveSequenceStateToFile(file: string, sequence: number, tokens: Uint32Array): Promise<number>
  loadSequenceStateFromFile(file: string, sequence: number, contextSize: number): Promise<Uint32Array>
  sampleToken(
    at: number | undefined,
    sampler: unknown,
    probabilities: boolean,
    confidence: boolean,
    logits: boolean,
  ): Promise<[number, unknown, unknown, number[] | undefined]>
}
interface NodeLlamaCpp {
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      createContext(options: object): Promise<{ _ctx: Binding; getSequence(): unknown }>
      tokenize(text: string, specialTokens: boolean): number[]
      _model: unknown
    }>
    _bindings: { AddonSampler: new (model: unknown) => { applyConfig(config: object): void } }
  }>
}

export interface LlamaCpp {
  readonly binding: Binding
  tokenize(text: string): number[]
  /** The likeliest id at a place of the last batch, and pairs of an id and its logit, one after the other. */
  logitsAt(at: number | undefined): Promise<{ readonly likeliest: number; readonly pairs: readonly number[] }>
}

/** `installedIn`: a folder with `node_modules/node-llama-cpp`. Its threads keep the process: end it with `process.exit`. */
export async function openLlamaCpp(options: {
  readonly installedIn: string
  readonly gguf: string
  readonly threads: number
  readonly contextSize: number
  readonly batchSize: number
  readonly flashAttention?: boolean
}): Promise<LlamaCpp> {
  const { threads, contextSize, batchSize, flashAttention = false } = options
  const entry = createRequire(join(options.installedIn, 'package.json')).resolve('node-llama-cpp')
  const { getLlama }: NodeLlamaCpp = await import(pathToFileURL(entry).href)
  const llama = await getLlama({
    ...{ gpu: false, build: 'never', progressLogs: false, logLevel: 'error', maxThreads: threads },
  })
  const model = await llama.loadModel({ modelPath: options.gguf, gpuLayers: 0 })
  const context = await model.createContext({ contextSize, batchSize, threads, flashAttention })
  context.getSequence()
  const binding = context._ctx
  binding.setThreads(threads)
  const sampler = new llama._bindings.AddonSampler(model._model)
  sampler.applyConfig({ temperature: 0 })
  return {
    binding,
    tokenize: text => model.tokenize(text, true),
    async logitsAt(at) {
      const [likeliest, , , pairs = []] = await binding.sampleToken(at, sampler, false, false, true)
      return { likeliest, pairs }
    },
  }
}
