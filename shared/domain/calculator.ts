/**
 * The savings calculator: State Pack's, with what it leaves out. Three ways to run the same agents, side by side:
 * naive (everything read again at each step), provider prompt caching, and state packs. Pure arithmetic on its inputs.
 */
import { z } from 'zod'
import { costOf, type Price } from './prices.ts'
import { naiveLoopTokens, naiveStepTokens, savedPercent, stateLoopTokens } from './savings.ts'

const whole = (max: number) => z.number().int().min(0).max(max)
const amount = z.number().min(0).max(1e9)

export const calculatorInputsSchema = z.strictObject({
  agents: whole(1e7),
  steps: z.number().int().min(1).max(10_000),
  baseTokens: whole(1e7),
  deltaTokens: whole(1e6),
  loopsPerDay: whole(1e7),
  /** Tokens the model writes at each step. */
  outputTokens: whole(1e6),
  /** Replies stay in the context of later steps. */
  keepReplies: z.boolean(),
  /** US dollars per million tokens. */
  inputPrice: amount,
  outputPrice: amount,
  /** Null: the provider has no prompt caching. */
  cachedInputPrice: amount.nullable(),
  /** Null: writing the cache costs what input costs. */
  cacheWritePrice: amount.nullable(),
  /** How long a provider keeps a prefix it has not seen again. */
  cacheLifetimeSeconds: amount,
  secondsBetweenSteps: amount,
  /** Shorter prompts are not cached by the provider. */
  cacheMinimumTokens: whole(1e6),
  /** Agents that start from the same base: state packs and a provider's cache read it once for all of them. */
  agentsPerBase: z.number().int().min(1).max(1e7),
  /** States kept on storage at any time, each of the base's tokens. */
  storedStates: whole(1e9),
  stateBytesPerToken: whole(1e9),
  /** US dollars per GB (10^9 bytes) and month (30 days). */
  storagePrice: amount,
  /** US dollars per machine and hour. 0: state packs are charged per token, as State Pack's calculator does. */
  hardwarePerHour: amount,
  hardwareHoursPerDay: z.number().min(0.1).max(24),
  prefillTokensPerSecond: z.number().min(0.001).max(1e9),
  decodeTokensPerSecond: z.number().min(0.001).max(1e9),
})
export type CalculatorInputs = z.infer<typeof calculatorInputsSchema>

/** State Pack's defaults; everything it leaves out is off. */
export const DEFAULT_CALCULATOR: CalculatorInputs = {
  agents: 1000,
  steps: 40,
  baseTokens: 500,
  deltaTokens: 30,
  loopsPerDay: 100,
  outputTokens: 0,
  keepReplies: false,
  inputPrice: 0.15,
  outputPrice: 0.6,
  cachedInputPrice: 0.075,
  cacheWritePrice: null,
  cacheLifetimeSeconds: 300,
  secondsBetweenSteps: 5,
  cacheMinimumTokens: 1024,
  agentsPerBase: 1,
  storedStates: 0,
  stateBytesPerToken: 32_768,
  storagePrice: 0.023,
  hardwarePerHour: 0,
  hardwareHoursPerDay: 24,
  prefillTokensPerSecond: 5000,
  decodeTokensPerSecond: 50,
}

/** The inputs with a model's prices filled in. */
export function withPrice(inputs: CalculatorInputs, price: Price): CalculatorInputs {
  return {
    ...inputs,
    inputPrice: price.input,
    outputPrice: price.output ?? 0,
    cachedInputPrice: price.cachedInput,
    cacheWritePrice: price.cacheWrite,
  }
}

export interface CalculatorLine {
  readonly id: 'naive' | 'caching' | 'state'
  /** Per loop, averaged over the agents that share a base. `input` counts all; `cached` and `written` are parts of it. */
  readonly tokens: {
    readonly input: number
    readonly cached: number
    readonly written: number
    readonly output: number
  }
  readonly perLoop: number
  readonly perDay: number
}

export interface BreakEven {
  /** Fewest steps a loop with which state packs cost less, all else equal; null when none up to 1,000 does. */
  readonly steps: number | null
  /** Fewest loops a day and agent with which they do; null when none up to 10^9 does. */
  readonly loopsPerDay: number | null
}

export interface CalculatorResult {
  readonly naive: CalculatorLine
  /** Null when the provider has no prompt caching. */
  readonly caching: CalculatorLine | null
  readonly state: CalculatorLine
  /** Input tokens not read, naive against state packs, percent. */
  readonly savedTokensPercent: number
  readonly savedPerDay: number
  readonly storagePerDay: number
  /** Machines needed at the given speeds; 0 when charged per token. */
  readonly machines: number
  readonly breakEven: { readonly againstNaive: BreakEven; readonly againstCaching: BreakEven | null }
  readonly warnings: readonly string[]
}

const MAX_STEPS = 1000
const MAX_LOOPS = 1e9

/** Everything the calculator shows. */
export function calculate(inputs: CalculatorInputs): CalculatorResult {
  const naive = naiveLine(inputs)
  const caching = cachingLine(inputs)
  const state = stateLine(inputs)
  return {
    naive,
    caching,
    state,
    savedTokensPercent: savedPercent(naive.tokens.input, state.tokens.input),
    savedPerDay: naive.perDay - state.perDay,
    storagePerDay: storagePerDay(inputs),
    machines: machinesFor(inputs),
    breakEven: {
      againstNaive: breakEven(inputs, i => naiveLine(i).perDay),
      againstCaching:
        caching === null ? null : breakEven(inputs, i => cachingLine(i)?.perDay ?? Number.POSITIVE_INFINITY),
    },
    warnings: warningsFor(inputs),
  }
}

/** One point of the chart: tokens read up to and including a step, for one loop. */
export interface LoopPoint {
  readonly step: number
  readonly naive: number
  readonly state: number
}

/** Cumulative tokens of one loop, step by step. */
export function loopSeries(inputs: CalculatorInputs): LoopPoint[] {
  return Array.from({ length: inputs.steps }, (_, i) => {
    const steps = i + 1
    return {
      step: steps,
      naive: naiveLoopTokens({ ...shapeOf(inputs), steps }),
      state: stateTokens({ ...inputs, steps }),
    }
  })
}

function shapeOf(inputs: CalculatorInputs) {
  const { steps, baseTokens, deltaTokens, outputTokens, keepReplies } = inputs
  return { steps, base: baseTokens, delta: deltaTokens, reply: keepReplies ? outputTokens : 0 }
}

function priceOf({ inputPrice, outputPrice, cachedInputPrice, cacheWritePrice }: CalculatorInputs) {
  return {
    id: '',
    label: '',
    input: inputPrice,
    output: outputPrice,
    cachedInput: cachedInputPrice,
    cacheWrite: cacheWritePrice,
    source: '',
    date: '',
  }
}

function apiLine(inputs: CalculatorInputs, id: CalculatorLine['id'], tokens: CalculatorLine['tokens']): CalculatorLine {
  const perLoop = costOf(tokens, priceOf(inputs))
  return { id, tokens, perLoop, perDay: perLoop * inputs.agents * inputs.loopsPerDay }
}

function naiveLine(inputs: CalculatorInputs): CalculatorLine {
  const input = naiveLoopTokens(shapeOf(inputs))
  return apiLine(inputs, 'naive', { input, cached: 0, written: 0, output: inputs.outputTokens * inputs.steps })
}

/**
 * Full history at a provider that caches prompt prefixes: what the step before sent is found again, if it is long enough and
 * the next step comes in time; replies are new input once, because it is prompts that are cached.
 */
function cachingLine(inputs: CalculatorInputs): CalculatorLine | null {
  if (inputs.cachedInputPrice === null) return null
  const { steps, baseTokens, agentsPerBase, cacheMinimumTokens, cacheWritePrice } = inputs
  const shape = shapeOf(inputs)
  const inTime = inputs.secondsBetweenSteps <= inputs.cacheLifetimeSeconds
  const cacheable = (tokens: number) => (inTime && tokens >= cacheMinimumTokens ? tokens : 0)
  let cached = 0
  let written = 0
  for (let step = 1; step <= steps; step++) {
    const context = naiveStepTokens(shape, step)
    const found =
      step > 1
        ? cacheable(naiveStepTokens(shape, step - 1))
        : (cacheable(baseTokens) * (agentsPerBase - 1)) / agentsPerBase
    cached += found
    if (cacheWritePrice !== null && context >= cacheMinimumTokens) written += context - found
  }
  return apiLine(inputs, 'caching', {
    input: naiveLoopTokens(shape),
    cached,
    written,
    output: inputs.outputTokens * steps,
  })
}

function stateTokens(inputs: CalculatorInputs): number {
  return stateLoopTokens({ ...shapeOf(inputs), base: inputs.baseTokens / inputs.agentsPerBase })
}

function stateLine(inputs: CalculatorInputs): CalculatorLine {
  const tokens = { input: stateTokens(inputs), cached: 0, written: 0, output: inputs.outputTokens * inputs.steps }
  const loops = inputs.agents * inputs.loopsPerDay
  const perToken = apiLine(inputs, 'state', tokens)
  const work =
    inputs.hardwarePerHour > 0
      ? machinesFor(inputs) * inputs.hardwarePerHour * inputs.hardwareHoursPerDay
      : perToken.perDay
  const perDay = work + storagePerDay(inputs)
  return { ...perToken, perDay, perLoop: loops === 0 ? perToken.perLoop : perDay / loops }
}

/** Machines that can do a day's work in the hours they are on; a machine that is on costs whether it works or not. */
function machinesFor(inputs: CalculatorInputs): number {
  if (inputs.hardwarePerHour === 0) return 0
  const read = stateTokens(inputs) / inputs.prefillTokensPerSecond
  const write = (inputs.outputTokens * inputs.steps) / inputs.decodeTokensPerSecond
  const seconds = (read + write) * inputs.agents * inputs.loopsPerDay
  return Math.max(1, Math.ceil(seconds / (inputs.hardwareHoursPerDay * 3600)))
}

function storagePerDay({ storedStates, baseTokens, stateBytesPerToken, storagePrice }: CalculatorInputs): number {
  return ((storedStates * baseTokens * stateBytesPerToken) / 1e9) * (storagePrice / 30)
}

function breakEven(inputs: CalculatorInputs, other: (inputs: CalculatorInputs) => number): BreakEven {
  const wins = (changed: CalculatorInputs) => stateLine(changed).perDay < other(changed)
  let steps: number | null = null
  for (let s = 1; s <= MAX_STEPS && steps === null; s++) if (wins({ ...inputs, steps: s })) steps = s
  return { steps, loopsPerDay: fewestLoops(n => wins({ ...inputs, loopsPerDay: n })) }
}

/** Doubling, then halving: afterwards `high` wins and the number below it does not. */
function fewestLoops(wins: (loops: number) => boolean): number | null {
  let high = 1
  while (!wins(high)) {
    if (high >= MAX_LOOPS) return null
    high *= 2
  }
  let low = Math.floor(high / 2)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (wins(middle)) high = middle
    else low = middle
  }
  return high
}

function warningsFor(inputs: CalculatorInputs): string[] {
  const warnings: string[] = []
  if (inputs.hardwarePerHour === 0) {
    warnings.push(
      'Hosted APIs do not accept a state: the state-pack line is what such a provider would charge. For your own machines, enter their cost per hour.',
    )
  }
  if (inputs.cachedInputPrice === null)
    warnings.push('This provider has no price for cached input, so prompt caching is not compared.')
  else if (inputs.secondsBetweenSteps > inputs.cacheLifetimeSeconds) {
    warnings.push('Steps come further apart than the provider keeps its cache: nothing is found in it.')
  }
  if (inputs.agentsPerBase > Math.max(1, inputs.agents))
    warnings.push('More agents share a base than there are agents.')
  return warnings
}
