/**
 * `measureLlamaCpp.ts JSON`: the same work as `measureModel.ts` by llama.cpp (through node-llama-cpp), in a process of its
 * own. Its state file is loaded as it comes: llama.cpp verifies nothing. Prints JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { likeliestTwo } from './likeliestTwo.ts'
import { median } from './median.ts'
import { openLlamaCpp } from './openLlamaCpp.ts'
import { timed } from './timed.ts'

export interface LlamaCppOptions {
  /** A folder with `node_modules/node-llama-cpp`. */
  readonly installedIn: string
  readonly gguf: string
  readonly vocabSize: number
  readonly tokens: number
  readonly delta: number
  readonly runs: number
  readonly threads: number
  readonly flashAttention: boolean
}

const BATCH = 512
/** Tokens written one by one after the delta. */
const DECODED = 32
const options: LlamaCppOptions = JSON.parse(process.argv[2] ?? '{}')
const { tokens, delta, runs } = options
const { binding, logitsAt } = await openLlamaCpp({
  ...options,
  contextSize: tokens + delta + DECODED,
  batchSize: BATCH,
})

const scratch = await mkdtemp(join(tmpdir(), 'statepack-bench-llama-'))
try {
  const file = join(scratch, 'state.bin')
  const ids = Uint32Array.from({ length: tokens }, (_, at) => (at * 7919 + 11) % options.vocabSize)
  const [prefill] = await timed(() => decode(0, ids))
  const stateBytes = await binding.saveSequenceStateToFile(file, 0, ids)
  const times = { load: [] as number[], delta: [] as number[], both: [] as number[], step: [] as number[] }
  let answered: Awaited<ReturnType<typeof logitsAt>> = { likeliest: 0, pairs: [] }
  for (let run = 0; run < runs; run++) {
    binding.disposeSequence(0)
    const [load] = await timed(() => binding.loadSequenceStateFromFile(file, 0, tokens + delta + DECODED))
    const [answer, at] = await timed(() => decode(tokens, ids.slice(0, delta)))
    times.load.push(load)
    times.delta.push(answer)
    times.both.push(load + answer)
    // Before the next decoding takes its place.
    answered = await logitsAt(at)
    const [steps] = await timed(async () => {
      for (let step = 0; step < DECODED; step++) await decode(tokens + delta + step, ids.slice(0, 1))
    })
    times.step.push(steps / DECODED)
  }
  const { likeliest, pairs } = answered
  const logits = new Float32Array(options.vocabSize)
  for (let at = 0; at < pairs.length; at += 2) logits[pairs[at] ?? 0] = pairs[at + 1] ?? 0
  const [first, second] = likeliestTwo(logits)
  process.stdout.write(
    JSON.stringify({
      'prefill tok/s': (tokens / prefill) * 1000,
      'unverified load ms': median(times.load),
      'delta ms': median(times.delta),
      'unverified load + delta ms': median(times.both),
      'decode step ms': median(times.step),
      'state MB': stateBytes / 1e6,
      'sum of logits': logits.reduce((sum, logit) => sum + logit, 0),
      'likeliest id': likeliest,
      'second id': second.id,
      'ahead by': first.logit - second.logit,
    }),
  )
} finally {
  await rm(scratch, { recursive: true, force: true })
}
// Its threads would keep the process.
process.exit(0)

/** Reads tokens from a position on; the place of the last one's logits. */
async function decode(position: number, part: Uint32Array): Promise<number | undefined> {
  let last: number | undefined
  for (let at = 0; at < part.length; at += BATCH) {
    const chunk = part.slice(at, at + BATCH)
    const isEnd = at + BATCH >= part.length
    binding.initBatch(chunk.length)
    const logitsOf = isEnd ? Uint32Array.of(chunk.length - 1) : new Uint32Array(0)
    last = binding.addToBatch(0, position + at, chunk, logitsOf)[0]
    await binding.decodeBatch()
  }
  return last
}
