/**
 * `llamaCppLogits.ts JSON`: the ids and the logits after them that llama.cpp (through node-llama-cpp) gives for texts, in a
 * process of its own. Writes JSON into the file that is named.
 */
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface LlamaCppQuestion {
  /** A folder with `node_modules/node-llama-cpp`. */
  readonly installedIn: string
  readonly gguf: string
  readonly texts: readonly string[]
  readonly threads: number
  /** Where the answers go. */
  readonly out: string
}
export interface LlamaCppAnswer {
  readonly ids: readonly number[]
  /** After the last id, by id. */
  readonly logits: readonly number[]
}

/** What is used of node-llama-cpp 3: the calls below go to llama_decode without its sampling. */
interface Binding {
  initBatch(size: number): void
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logitsOf: Uint32Array): Uint32Array
  decodeBatch(): Promise<void>
  disposeSequence(sequence: number): void
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

const { installedIn, gguf, texts, threads, out }: LlamaCppQuestion = JSON.parse(process.argv[2] ?? '{}')
const entry = createRequire(join(installedIn, 'package.json')).resolve('node-llama-cpp')
const { getLlama }: NodeLlamaCpp = await import(pathToFileURL(entry).href)
const llama = await getLlama({
  gpu: false,
  build: 'never',
  progressLogs: false,
  logLevel: 'error',
  maxThreads: threads,
})
const model = await llama.loadModel({ modelPath: gguf, gpuLayers: 0 })
const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads })
context.getSequence()
const binding = context._ctx
const sampler = new llama._bindings.AddonSampler(model._model)
sampler.applyConfig({ temperature: 0 })

const answers: LlamaCppAnswer[] = []
for (const text of texts) {
  const ids = model.tokenize(text, true)
  binding.disposeSequence(0)
  binding.initBatch(ids.length)
  const at = binding.addToBatch(0, 0, Uint32Array.from(ids), Uint32Array.of(ids.length - 1))[0]
  await binding.decodeBatch()
  const [, , , pairs = []] = await binding.sampleToken(at, sampler, false, false, true)
  const logits: number[] = []
  for (let i = 0; i < pairs.length; i += 2) logits[pairs[i] ?? 0] = pairs[i + 1] ?? 0
  answers.push({ ids, logits })
}
writeFileSync(out, JSON.stringify(answers))
// Its threads would keep the process.
process.exit(0)
