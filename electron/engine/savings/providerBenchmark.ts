/**
 * The same agent loop at a hosted model, on the user's own key, in three ways of sending it:
 *   full-history        system, all steps and replies so far, kept out of the provider's cache
 *   context-discipline  system and the current step only: history is dropped (State Pack calls this its OpenAI mode)
 *   provider-caching    full history as it is, so that the provider finds its prefix again
 * A hosted API accepts no state, so there is no state-pack run here. Tokens come from the provider's `usage`.
 */
import { randomUUID } from 'node:crypto'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { costOf, type Price } from '#shared/domain/prices.ts'
import { createSafeFetch } from '../network/safeFetch.ts'
import { type ChatDialect, USUAL_DIALECT } from './chatDialect.ts'
import { askEndpoint, type ChatEndpoint, type ChatMessage, chatUrl } from './chatEndpoint.ts'
import { deltaText, type LoopTexts, PROVIDER_LOOP } from './loopTexts.ts'

const PROVIDER_MODES = ['full-history', 'context-discipline', 'provider-caching'] as const
export type ProviderMode = (typeof PROVIDER_MODES)[number]

export interface ProviderBenchmarkOptions extends ChatEndpoint {
  readonly steps: number
  /** Longest reply, tokens. */
  readonly maxTokens: number
  readonly modes: readonly ProviderMode[]
  readonly price: Price
  /** No request is sent that could bring the bill above this. */
  readonly spendingCapUsd: number
  readonly texts?: LoopTexts
  readonly signal?: AbortSignal
  readonly onStep?: (step: ProviderStep) => void
}

export interface ProviderStep {
  readonly mode: ProviderMode
  readonly step: number
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
  readonly usd: number
  readonly seconds: number
  /** Of the whole benchmark so far. */
  readonly spentUsd: number
}

export interface ProviderModeResult {
  readonly mode: ProviderMode
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
  readonly usd: number
  readonly seconds: number
  /** Steps that were run; fewer than asked for when the cap stopped it. */
  readonly steps: number
}

export interface ProviderBenchmarkResult {
  readonly modes: readonly ProviderModeResult[]
  readonly stoppedByCap: boolean
  /** The model fixes its own temperature, so replies (and with them the figures) vary from run to run. */
  readonly variesByRun: boolean
  readonly spentUsd: number
}

/**
 * Runs the benchmark and spends money. Stops, with what it has, before a request that could exceed the cap. Throws what
 * {@link askEndpoint} throws, with `spentUsd` in the details; `E_SPENDING_CAP` when not even the first request fits.
 */
export async function runProviderBenchmark(options: ProviderBenchmarkOptions): Promise<ProviderBenchmarkResult> {
  const asked = { ...options, fetch: createSafeFetch(chatUrl(options.endpoint)) }
  const modes: ProviderModeResult[] = []
  let spentUsd = 0
  let stoppedByCap = false
  let dialect = USUAL_DIALECT
  for (const mode of options.modes) {
    const done: ProviderStep[] = []
    const history: ChatMessage[] = []
    for (let step = 1; step <= options.steps && !stoppedByCap; step++) {
      const messages = messagesFor(mode, { history, step, texts: options.texts ?? PROVIDER_LOOP })
      if (spentUsd + mostFor(messages, options) > options.spendingCapUsd) {
        stoppedByCap = true
        break
      }
      const answer = await ask(asked, { messages, dialect, spentUsd })
      dialect = answer.dialect
      const { inputTokens, cachedTokens, outputTokens, seconds } = answer
      // What is not found in a cache that charges for writing is written to it.
      const written = mode === 'provider-caching' && options.price.cacheWrite !== null ? inputTokens - cachedTokens : 0
      const usd = costOf({ input: inputTokens, cached: cachedTokens, written, output: outputTokens }, options.price)
      spentUsd += usd
      const user = messages.at(-1)
      if (user !== undefined) history.push(user, { role: 'assistant', content: answer.text })
      const sample = { mode, step, inputTokens, cachedTokens, outputTokens, usd, seconds, spentUsd }
      done.push(sample)
      options.onStep?.(sample)
    }
    if (done.length > 0) modes.push(sumOf(mode, done))
  }
  if (modes.length === 0 && stoppedByCap) {
    throw new StatePackError('E_SPENDING_CAP', 'The spending cap is lower than what the first request may cost.', {
      spendingCapUsd: options.spendingCapUsd,
    })
  }
  return { modes, stoppedByCap, variesByRun: !dialect.temperature, spentUsd }
}

async function ask(
  options: ProviderBenchmarkOptions,
  { messages, dialect, spentUsd }: { messages: readonly ChatMessage[]; dialect: ChatDialect; spentUsd: number },
) {
  try {
    return await askEndpoint(options, { messages, dialect, maxTokens: options.maxTokens, signal: options.signal })
  } catch (thrown) {
    const { code, message, details } = toStatePackError(thrown)
    throw new StatePackError(code, message, { ...details, spentUsd })
  }
}

interface Turn {
  readonly history: readonly ChatMessage[]
  readonly step: number
  readonly texts: LoopTexts
}

function messagesFor(mode: ProviderMode, { history, step, texts }: Turn): ChatMessage[] {
  const user: ChatMessage = { role: 'user', content: deltaText(texts, step) }
  if (mode === 'context-discipline') return [{ role: 'system', content: texts.base }, user]
  // A first line that never comes twice: no prefix of such a prompt is in any cache.
  const base = mode === 'full-history' ? `Request ${randomUUID()}\n${texts.base}` : texts.base
  return [{ role: 'system', content: base }, ...history, user]
}

/** Upper bound of a request's cost: no tokeniser makes more tokens than bytes, plus what frames a message. */
function mostFor(messages: readonly ChatMessage[], { price, maxTokens }: ProviderBenchmarkOptions): number {
  const input = messages.reduce((sum, message) => sum + Buffer.byteLength(message.content) + 16, 16)
  const dearest = Math.max(price.input, price.cacheWrite ?? 0, price.cachedInput ?? 0)
  return (input * dearest + maxTokens * (price.output ?? 0)) / 1e6
}

function sumOf(mode: ProviderMode, steps: readonly ProviderStep[]): ProviderModeResult {
  const sum = (field: 'inputTokens' | 'cachedTokens' | 'outputTokens' | 'usd' | 'seconds') =>
    steps.reduce((total, step) => total + step[field], 0)
  return {
    mode,
    ...{ inputTokens: sum('inputTokens'), cachedTokens: sum('cachedTokens'), outputTokens: sum('outputTokens') },
    ...{ usd: sum('usd'), seconds: sum('seconds'), steps: steps.length },
  }
}
