/**
 * The HTTP API in front of an engine process, as programs meet it: what it adds to the model's time, eight agents together
 * and one after the other, a 40-step agent by `/v1/responses`, and health while 200 requests wait. `--requests N`,
 * `--shape NAME`, `--tokens N` (of the base), `--new N` (tokens each agent generates).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readStarterTexts } from '#engine/library/starters.ts'
import { AGENT_LOOP, deltaText } from '#engine/savings/loopTexts.ts'
import { startApi } from '#hosts/serve/startApi.ts'
import { connect } from '../../packages/sdk/src/connect.ts'
import { writeGpt2Tokenizer } from '../engine/savings/gpt2/openGpt2Tokenizer.ts'
import { writeGeneratedCheckpoint } from '../model/generatedCheckpoint.ts'
import { ROOT, row } from './benchEngine.ts'
import { MODEL_SHAPES, type ModelShape } from './modelShapes.ts'
import { timed } from './timed.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200' },
    shape: { type: 'string', default: 'gpt2-small' },
    tokens: { type: 'string', default: '256' },
    new: { type: 'string', default: '24' },
  },
})
const [requests, tokens, maxNewTokens] = [values.requests, values.tokens, values.new].map(Number) as [
  number,
  number,
  number,
]
const AGENTS = 8
if (!(values.shape in MODEL_SHAPES))
  throw new Error(`There is no shape ${values.shape}: ${Object.keys(MODEL_SHAPES).join(', ')}.`)

const folder = await mkdtemp(join(tmpdir(), 'statepack-bench-serve-'))
process.env.STATEPACK_HOME = join(folder, 'home')
const models = join(folder, 'models')
await writeGeneratedCheckpoint(join(models, values.shape), MODEL_SHAPES[values.shape as ModelShape]())
await writeGpt2Tokenizer(join(models, values.shape))
const api = await startApi({ models: [models], device: 'cpu' })
try {
  const statepack = connect(api)
  // A new library is filled beside the first requests, and the model runs one thing at a time: that would be measured, too.
  const texts = await readStarterTexts(join(ROOT, 'assets'))
  const starters = texts.reduce((sum, text) => sum + text.models.length, 0)
  while ((await statepack.states()).total < starters) await delay(200)
  const starter = 'starter-transformer'
  const { stateHash } = await statepack.createState({ baseText: AGENT_LOOP.base, model: starter })

  const parts = {
    model: [] as number[],
    engine: [] as number[],
    api: [] as number[],
    'beyond the model': [] as number[],
  }
  for (let i = 0; i < requests; i++) {
    const asked = { stateHash, deltaText: deltaText(AGENT_LOOP, i), maxNewTokens: 1 }
    const [ms, { seconds, receipt }] = await timed(() => statepack.infer(asked))
    const { statement } = (await statepack.request(`/receipts/${receipt.receipt_id}`)) as Proven
    const { restore = 0, read = 0, generate = 0 } = statement.observed.phases
    const [model, engine] = [(restore + read + generate) * 1000, seconds * 1000]
    parts.model.push(model)
    parts.engine.push(engine - model)
    parts.api.push(ms - engine)
    parts['beyond the model'].push(ms - model)
  }
  console.log(
    `${requests} requests for one token, one after the other, each answered once its state and receipt are on disk:`,
  )
  console.table(Object.entries(parts).map(([time, ms]) => row({ time, 'p50 ms': at(ms, 0.5), 'p99 ms': at(ms, 0.99) })))

  const base = await statepack.createState({ baseText: 'notice '.repeat(tokens), model: values.shape })
  const agent = (number: number) =>
    statepack.infer({ stateHash: base.stateHash, deltaText: `Step ${number}: `, maxNewTokens, keepOutput: true })
  const all = Array.from({ length: AGENTS }, (_, number) => number)
  await agent(AGENTS)
  const [alone, answers] = await timed(async () => {
    const one = []
    for (const number of all) one.push(await agent(number))
    return one
  })
  const [together] = await timed(() => Promise.all(all.map(agent)))
  const written = answers.reduce((sum, answer) => sum + answer.tokens.generated, 0)
  console.log(`${values.shape}, ${AGENTS} agents on one base of ${base.tokens} tokens, each writes ${maxNewTokens}:`)
  console.table([
    row({ how: 'one after the other', seconds: alone / 1000, 'tokens / s': written / (alone / 1000), ratio: 1 }),
    row({
      how: 'together',
      seconds: together / 1000,
      'tokens / s': written / (together / 1000),
      ratio: alone / together,
    }),
  ])

  let id: string | undefined
  let processed = 0
  let naive = 0
  for (let step = 1; step <= 40; step++) {
    const begin = id === undefined ? { instructions: AGENT_LOOP.base } : { previous_response_id: id }
    const body = { model: starter, ...begin, input: deltaText(AGENT_LOOP, step), max_output_tokens: 1 }
    const answered = (await statepack.request('/v1/responses', body)) as Responded
    const { input_tokens, input_tokens_details, output_tokens } = answered.usage
    processed += input_tokens - input_tokens_details.cached_tokens + output_tokens
    naive += input_tokens + output_tokens
    id = answered.id
  }
  const whole = await statepack.state(id?.replace('resp_', '') ?? '')
  console.log('An agent of 40 steps by /v1/responses:')
  console.table([
    row({ 'read and written': processed, 'in the state at the end': whole.tokens, 'read anew each step': naive }),
  ])

  const waiting = Array.from({ length: 200 }, (_, i) =>
    statepack.infer({ stateHash, deltaText: deltaText(AGENT_LOOP, i), maxNewTokens: 32 }),
  )
  const health: number[] = []
  let most = 0
  let isOver = false
  const over = Promise.all(waiting).finally(() => {
    isOver = true
  })
  while (!isOver) {
    const [ms, answer] = await timed(() => statepack.request('/health'))
    health.push(ms)
    most = Math.max(most, (answer as { requests_waiting: number }).requests_waiting)
  }
  await over
  console.log(`/health while 200 requests run or wait (${most} waited at once):`)
  console.table([row({ asked: health.length, 'p50 ms': at(health, 0.5), 'p99 ms': at(health, 0.99) })])
} finally {
  await api.close()
  await rm(folder, { recursive: true, force: true })
}

interface Proven {
  readonly statement: { readonly observed: { readonly phases: Readonly<Record<string, number>> } }
}

interface Responded {
  readonly id: string
  readonly usage: {
    readonly input_tokens: number
    readonly output_tokens: number
    readonly input_tokens_details: { readonly cached_tokens: number }
  }
}

function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}
