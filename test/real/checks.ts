/** What a real model is held to, through the product's own engine. Each check says what it measured and whether it holds. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { argmax, logSumExp } from '#engine/inference/logits.ts'
import type { Runtime } from '#engine/inference/runtime.ts'
import { readPacket } from '#engine/packets/packet.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import type { TestEngine } from '../engine/testEngine.ts'
import type { LlamaCppAnswer } from './llamaCppLogits.ts'

export interface CheckLine {
  readonly check: string
  readonly ok: boolean
  readonly [figure: string]: string | number | boolean
}

const DOCUMENTS = ['CHANGELOG.md', 'docs/threat-model.md', 'docs/verbs.md']
const QUESTION = '\n\nIn one sentence, the text above is about'

/** Reads a document once, proves the state, and continues it by the delta alone as if it had been read now. */
export async function mainJob({ client, engine }: TestEngine, model: string, short: boolean): Promise<CheckLine[]> {
  const [documents, mostTokens] = short ? [1, 300] : [DOCUMENTS.length, 1200]
  const lines: CheckLine[] = []
  for (const name of DOCUMENTS.slice(0, documents)) {
    const text = await readFile(name, 'utf8')
    const created = await client.call('packets.create', {
      ...{ model, sources: [{ name, text }], dtype: 'float32', firstTokens: mostTokens },
    })
    const ref = created.cartridge.packetId
    const { ok } = await client.call('packets.verify', { ref, level: 'recomputed' })
    const answer = await client.call('packets.infer', { ref, delta: QUESTION, maxNewTokens: 24 })
    const { runtime, model: opened } = await engine.state.models.load(model)
    const { base, tail, delta, generated, processed } = answer.tokens
    const encode = (part: string) => [...(opened.tokenizer?.encode(part) ?? [])]
    // A text that was cut ends where it was cut; a whole one goes on into the question.
    const cut = encode(text).length > mostTokens
    const ids = cut ? [...encode(text).slice(0, mostTokens), ...encode(QUESTION)] : encode(text + QUESTION)
    const whole = await greedy(runtime, ids, answer.outputTokenIds.length)
    const same = whole.join() === answer.outputTokenIds.join()
    lines.push({
      check: `main job: ${name}`,
      ok: ok && same && processed === tail + delta + generated,
      ...{ base, processed, 'as if read now': same, recomputed: ok, answer: answer.output.trim() },
    })
  }
  return lines
}

async function greedy(runtime: Runtime, ids: readonly number[], count: number): Promise<number[]> {
  using session = runtime.newSession()
  const out: number[] = []
  for (let logits = await session.append(ids); out.length < count; ) {
    const next = argmax(logits)
    out.push(next)
    if (out.length < count) logits = await session.append([next])
  }
  return out
}

/** A chat in the file's own template ends where the model ends its turn, not at the limit. */
export async function chat({ client }: TestEngine, model: string): Promise<CheckLine> {
  const delta = 'What is the capital of France? Answer with one short sentence.'
  const { output, finishReason, tokens } = await client.call('packets.infer', {
    ...{ model, delta, chat: true, maxNewTokens: 96 },
  })
  const ok = finishReason === 'stop' && output.includes('Paris') && !output.includes('<|')
  return { check: 'chat stops where it should', ok, finishReason, tokens: tokens.generated, output: output.trim() }
}

/** Bytes of a state in each dtype, and what it changes of the next word, as the product measured it. */
export async function stateSizes({ client, engine }: TestEngine, model: string): Promise<CheckLine[]> {
  const text = (await readFile('docs/verbs.md', 'utf8')).slice(0, 6000)
  const lines: CheckLine[] = []
  for (const dtype of ['float32', 'float16', 'int8', 'float8_e4m3'] as const) {
    const { cartridge } = await client.call('packets.create', { model, sources: [{ name: 'verbs', text }], dtype })
    const { config, manifest } = await readPacket(engine.state.store.blobs, cartridge.packetId)
    const { klBits, top1 } = config.cache.loss ?? { klBits: 0, top1: true }
    const bytes = manifest.layers.reduce((sum, layer) => sum + layer.size, 0)
    lines.push({ check: `state as ${dtype}`, ok: klBits < 0.2, tokens: cartridge.tokens, bytes, klBits, top1 })
  }
  return lines
}

const PRECISION_LIMITS = [
  { precision: 'float16', limit: 1e-3 },
  { precision: 'int8', limit: 0.05 },
  { precision: 'int4', limit: 0.1 },
] as const

/** What other precisions change against the file's own numbers. */
export async function precisions({ client }: TestEngine, model: string): Promise<CheckLine[]> {
  const lines: CheckLine[] = []
  for (const { precision, limit } of PRECISION_LIMITS) {
    const check = `weights as ${precision}`
    const changed = await client.call('models.setPrecision', { id: model, precision }).catch(toStatePackError)
    if (changed instanceof StatePackError) {
      // int4 is offered to models that bear it, and refused with what was measured for others.
      lines.push({ check, ok: precision === 'int4' && Number(changed.details.meanKl) >= 0.1, refused: changed.message })
    } else if (changed.effect === null) {
      lines.push({ check, ok: false, notMeasured: changed.notMeasured ?? '' })
    } else {
      const { meanKl, top1Agreement: top1 } = changed.effect
      lines.push({ check, ok: meanKl < limit, meanKl, top1 })
    }
  }
  await client.call('models.setPrecision', { id: model, precision: 'float32' })
  return lines
}

/** llama.cpp rounds activations to 8 bits, each processor in its own way; this app does not: the same words, up to that. */
const MOST_KL = 0.05

/** The ids and the next word of llama.cpp on the same file. */
export async function againstLlamaCpp(
  { engine }: TestEngine,
  model: string,
  { texts, answers }: { texts: readonly string[]; answers: readonly LlamaCppAnswer[] },
): Promise<CheckLine> {
  const { runtime, model: opened } = await engine.state.models.load(model)
  let [sameIds, sameWord, largestKl] = [0, 0, 0]
  for (const [at, text] of texts.entries()) {
    const theirs = answers[at]
    const ids = opened.tokenizer?.encode(text) ?? new Int32Array()
    if (theirs === undefined || ids.join() !== theirs.ids.join()) continue
    sameIds += 1
    using session = runtime.newSession()
    const ours = await session.append([...ids])
    const reference = Float32Array.from(theirs.logits)
    if (argmax(ours) === argmax(reference)) sameWord += 1
    largestKl = Math.max(largestKl, divergence(reference, ours))
  }
  const ok = sameIds === texts.length && sameWord === texts.length && largestKl < MOST_KL
  return { check: 'llama.cpp on the same file', ok, texts: texts.length, sameIds, sameWord, largestKl }
}

function divergence(p: Float32Array, q: Float32Array): number {
  const [totalP, totalQ] = [logSumExp(p), logSumExp(q)]
  return p.reduce((sum, value, id) => {
    const logP = value - totalP
    return sum + Math.exp(logP) * (logP - ((q[id] ?? 0) - totalQ))
  }, 0)
}

export const REFERENCE_TEXTS: readonly string[] = [
  'The capital of France is',
  '<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n',
  'In 1969, the first human',
  "naïve café 東京 1234 don't",
  'Water boils at a temperature of 100 degrees',
  'def fibonacci(n):\n    if n <= 1:\n        return',
]

export const CACHE = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'real-model')
