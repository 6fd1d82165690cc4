/**
 * The HTTP API in front of an engine process, as programs meet it, which are processes of their own: what it adds to the model's time, eight agents together
 * and one after the other, a 40-step agent by `/v1/responses`, and health while 200 requests wait. `--requests N`,
 * `--shape NAME`, `--tokens N` (of the base), `--new N` (tokens each agent generates), `--runs N` (of the agents; the middle one counts).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readStarterTexts } from '#engine/library/starters.ts'
import { connect } from '../../packages/sdk/src/connect.ts'
import { writeGpt2Tokenizer } from '../engine/savings/gpt2/openGpt2Tokenizer.ts'
import { firstPrinted, spawnStatepack } from '../hosts/cli/startStatepack.ts'
import { writeGeneratedCheckpoint } from '../model/generatedCheckpoint.ts'
import { ROOT, row } from './benchEngine.ts'
import { askServer } from './inOwnProcess.ts'
import { MODEL_SHAPES, type ModelShape } from './modelShapes.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200' },
    shape: { type: 'string', default: 'gpt2-small' },
    tokens: { type: 'string', default: '256' },
    new: { type: 'string', default: '24' },
    runs: { type: 'string', default: '9' },
  },
})
const [requests, tokens, maxNewTokens, runs] = [values.requests, values.tokens, values.new, values.runs].map(
  Number,
) as [number, number, number, number]
const AGENTS = 8
if (!(values.shape in MODEL_SHAPES))
  throw new Error(`There is no shape ${values.shape}: ${Object.keys(MODEL_SHAPES).join(', ')}.`)

const folder = await mkdtemp(join(tmpdir(), 'statepack-bench-serve-'))
const models = join(folder, 'models')
await writeGeneratedCheckpoint(join(models, values.shape), MODEL_SHAPES[values.shape as ModelShape]())
await writeGpt2Tokenizer(join(models, values.shape))
const env = { STATEPACK_HOME: join(folder, 'home'), STATEPACK_MODELS: models }
const spawned = spawnStatepack(['serve', '--api', '--device', 'cpu'], { env })
spawned.child.stderr.pipe(process.stderr)
const server = await firstPrinted(spawned)
const api: { readonly address: string; readonly token: string } = server.printed
try {
  const statepack = connect(api)
  // A new library is filled beside the first requests, and the model runs one thing at a time: that would be measured, too.
  const texts = await readStarterTexts(join(ROOT, 'assets'))
  const starters = texts.reduce((sum, text) => sum + text.models.length, 0)
  while ((await statepack.states()).total < starters) await delay(200)

  const { shape } = values
  const starter = 'starter-transformer'
  const { address, token } = api
  const callers = { requests, agents: AGENTS, tokens, maxNewTokens, runs }
  const asked = await askServer({ address, token, starter, shape, ...callers })

  const { single, base, agents, loop, health, mostWaiting } = asked
  const parts = {
    model: single.map(({ model }) => model),
    engine: single.map(({ engine, model }) => engine - model),
    api: single.map(({ total, engine }) => total - engine),
    'beyond the model': single.map(({ total, model }) => total - model),
  }
  console.log(
    `${requests} requests for one token, one after the other, each answered once its state and receipt are on disk:`,
  )
  console.table(Object.entries(parts).map(([time, ms]) => row({ time, 'p50 ms': at(ms, 0.5), 'p99 ms': at(ms, 0.99) })))
  console.log(`${shape}, ${AGENTS} agents on one base of ${base} tokens, each writes ${maxNewTokens}:`)
  console.table(
    agents.flatMap(({ keepOutput, alone, together, written }) => {
      const state = keepOutput ? 'with its answer' : 'before its answer'
      const line = (how: string, ms: number) =>
        row({
          how,
          'state that is kept': state,
          seconds: ms / 1000,
          'tokens / s': written / (ms / 1000),
          ratio: alone / ms,
        })
      return [line('one after the other', alone), line('together', together)]
    }),
  )
  console.log('An agent of 40 steps by /v1/responses:')
  console.table([
    row({
      'read and written': loop.processed,
      'in the state at the end': loop.state,
      'read anew each step': loop.naive,
    }),
  ])
  console.log(`/health while 200 requests run or wait (${mostWaiting} waited at once):`)
  console.table([row({ asked: health.length, 'p50 ms': at(health, 0.5), 'p99 ms': at(health, 0.99) })])
} finally {
  await server.end()
  await rm(folder, { recursive: true, force: true })
}

function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}
