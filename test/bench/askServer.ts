/**
 * The callers of the HTTP API, in a process of their own as agents are: asks what `serve.bench.ts` measures, and prints the
 * times as JSON. Run with its options as JSON.
 */
import { Client } from 'undici'
import { AGENT_LOOP, deltaText } from '#engine/savings/loopTexts.ts'
import { connect } from '../../packages/sdk/src/connect.ts'
import type { StatePack } from '../../packages/sdk/src/statePack.ts'
import { timed } from './timed.ts'

export interface AskOptions {
  readonly address: string
  readonly token: string
  readonly starter: string
  readonly shape: string
  /** Single requests; agents, tokens of their base, tokens that each writes, and how often. */
  readonly requests: number
  readonly agents: number
  readonly tokens: number
  readonly maxNewTokens: number
  readonly runs: number
}

/** Milliseconds, each of one request. */
export interface Times {
  readonly total: number
  /** Restoring, reading and writing, as the receipt says. */
  readonly model: number
  readonly engine: number
}

/** Milliseconds of all agents' answers; with the answer read into the state, and without. */
export interface AgentTimes {
  readonly keepOutput: boolean
  readonly alone: number
  readonly together: number
  readonly written: number
}

export interface Asked {
  readonly single: readonly Times[]
  readonly base: number
  readonly agents: readonly AgentTimes[]
  readonly loop: { readonly processed: number; readonly naive: number; readonly state: number }
  readonly health: readonly number[]
  readonly mostWaiting: number
}

/** Before the first that counts: the server's code and this one's are compiled by then. */
const WARM_UP = 50

const options = JSON.parse(process.argv[2] ?? '') as AskOptions
const { starter, shape, requests, agents, tokens, maxNewTokens, runs } = options
const statepack = connect(options)
const { stateHash } = await statepack.createState({ baseText: AGENT_LOOP.base, model: starter })
const base = await statepack.createState({ baseText: 'notice '.repeat(tokens), model: shape })
const asked: Asked = {
  single: await askOneByOne(statepack),
  base: base.tokens,
  agents: [await askTogether(statepack, false), await askTogether(statepack, true)],
  loop: await goOn(statepack),
  ...(await askWhileOthersWait(statepack)),
}
console.log(JSON.stringify(asked))

async function askOneByOne(statepack: StatePack): Promise<Times[]> {
  await using caller = keepCalling()
  const times: Times[] = []
  for (let i = 0; i < WARM_UP + requests; i++) {
    const body = { state_hash: stateHash, delta_text: deltaText(AGENT_LOOP, i), max_new_tokens: 1 }
    const { total, text } = await caller.post('/infer', JSON.stringify(body))
    const { seconds, receipt } = JSON.parse(text) as Answered
    const { statement } = (await statepack.request(`/receipts/${receipt.receipt_id}`)) as Proven
    const { restore = 0, read = 0, generate = 0 } = statement.observed.phases
    if (i >= WARM_UP) times.push({ total, model: (restore + read + generate) * 1000, engine: seconds * 1000 })
  }
  return times
}

/** One connection that stays, and no more client than it takes, without streams: its time would be counted as the server's. */
function keepCalling() {
  const client = new Client(options.address)
  const headers = { authorization: `Bearer ${options.token}`, 'content-type': 'application/json' }
  return {
    post: (path: string, body: string) =>
      new Promise<{ total: number; text: string }>((answered, failed) => {
        const began = performance.now()
        const chunks: Buffer[] = []
        client.dispatch(
          { path, method: 'POST', headers, body },
          {
            onRequestStart() {},
            onResponseData: (_, chunk) => void chunks.push(chunk),
            onResponseEnd() {
              answered({ total: performance.now() - began, text: Buffer.concat(chunks).toString() })
            },
            onResponseError: (_, error) => failed(error),
          },
        )
      }),
    [Symbol.asyncDispose]: () => client.close(),
  }
}

/** The same deltas one after the other and at once; each run has its own, so that none is found in the store. */
async function askTogether(statepack: StatePack, keepOutput: boolean): Promise<AgentTimes> {
  const agent = (run: number, number: number) =>
    statepack.infer({
      ...{ stateHash: base.stateHash, deltaText: `Step ${run * agents + number}: `, maxNewTokens, keepOutput },
    })
  const all = Array.from({ length: agents }, (_, number) => number)
  await agent(-1, 0)
  const measured: Omit<AgentTimes, 'keepOutput'>[] = []
  for (let run = 0; run < runs; run++) {
    const [alone, answers] = await timed(async () => {
      const one = []
      for (const number of all) one.push(await agent(2 * run, number))
      return one
    })
    const [together] = await timed(() => Promise.all(all.map(number => agent(2 * run + 1, number))))
    measured.push({ alone, together, written: answers.reduce((sum, { tokens }) => sum + tokens.generated, 0) })
  }
  measured.sort((a, b) => a.alone / a.together - b.alone / b.together)
  const middle = measured[Math.floor(measured.length / 2)]
  if (middle === undefined) throw new Error('--runs is 1 at least')
  return { ...middle, keepOutput }
}

async function goOn(statepack: StatePack): Promise<Asked['loop']> {
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
  const { tokens: state } = await statepack.state(id?.replace('resp_', '') ?? '')
  return { processed, naive, state }
}

async function askWhileOthersWait(statepack: StatePack): Promise<Pick<Asked, 'health' | 'mostWaiting'>> {
  let isOver = false
  const over = Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      statepack.infer({ stateHash, deltaText: deltaText(AGENT_LOOP, i), maxNewTokens: 32 }),
    ),
  ).finally(() => {
    isOver = true
  })
  const health: number[] = []
  let mostWaiting = 0
  while (!isOver) {
    const [ms, answer] = await timed(() => statepack.request('/health'))
    health.push(ms)
    mostWaiting = Math.max(mostWaiting, (answer as { requests_waiting: number }).requests_waiting)
  }
  await over
  return { health, mostWaiting }
}

interface Answered {
  readonly seconds: number
  readonly receipt: { readonly receipt_id: string }
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
