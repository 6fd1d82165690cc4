/** Prices as data: each with its source and date, editable, versioned. US dollars per million tokens. */
import { z } from 'zod'

const perMillion = z.number().nonnegative()

export const priceSchema = z.strictObject({
  id: z.string(),
  label: z.string(),
  input: perMillion,
  /** Input tokens the provider found in its own prefix cache; null when it offers none. */
  cachedInput: perMillion.nullable(),
  output: perMillion.nullable(),
  /** Input tokens written into the provider's cache, in place of `input`; null when writing costs nothing extra. */
  cacheWrite: perMillion.nullable(),
  source: z.string(),
  /** ISO date on which the source said so. */
  date: z.string(),
})
export type Price = z.infer<typeof priceSchema>

export const priceListSchema = z.strictObject({ version: z.number().int().nonnegative(), prices: z.array(priceSchema) })
export type PriceList = z.infer<typeof priceListSchema>

const OPENAI = { source: "OpenAI's API price list, as it is quoted", date: '2026-11-28' } as const
const ANTHROPIC = {
  source: "Anthropic's price list, as it is quoted; cache of five minutes",
  date: '2026-11-28',
} as const
const CALCULATOR = { source: "State Pack's calculator; hosts differ", date: '2026-11-21' } as const

/**
 * The five models of State Pack's calculator, at its input prices, so that its figures can be reproduced; they are the providers'
 * own, too. Of the output prices the calculator has o1's at 75; the list says 60. Prompt caching:
 * half price for GPT-4o, GPT-4o mini and o1; a tenth to read and five quarters to write for Claude 3.5 Sonnet; none for hosted
 * Llama-3, which has no list of its own. `date` is when they were checked. Providers change prices: check, edit.
 */
export const DEFAULT_PRICES: PriceList = {
  version: 2,
  prices: [
    {
      id: 'gpt-4o-mini',
      label: 'GPT-4o mini',
      input: 0.15,
      cachedInput: 0.075,
      output: 0.6,
      cacheWrite: null,
      ...OPENAI,
    },
    { id: 'gpt-4o', label: 'GPT-4o', input: 2.5, cachedInput: 1.25, output: 10, cacheWrite: null, ...OPENAI },
    { id: 'o1', label: 'o1', input: 15, cachedInput: 7.5, output: 60, cacheWrite: null, ...OPENAI },
    {
      id: 'claude-3-5-sonnet',
      label: 'Claude 3.5 Sonnet',
      input: 3,
      cachedInput: 0.3,
      output: 15,
      cacheWrite: 3.75,
      ...ANTHROPIC,
    },
    {
      id: 'llama-3-hosted',
      label: 'Llama-3 hosted',
      input: 0.8,
      cachedInput: null,
      output: 4,
      cacheWrite: null,
      ...CALCULATOR,
    },
  ],
}

/** A price list as stored or imported; throws a `ZodError` naming what is wrong. Ids must differ. */
export function parsePriceList(value: unknown): PriceList {
  return priceListSchema
    .refine(list => new Set(list.prices.map(p => p.id)).size === list.prices.length, 'two prices have the same id')
    .parse(value)
}

/** The list with other prices: its version grows by one, so that results can say which prices they used. */
export function changedPrices(list: PriceList, prices: readonly Price[]): PriceList {
  return parsePriceList({ version: list.version + 1, prices })
}

export interface Usage {
  /** All input tokens, cached ones included. */
  readonly input: number
  readonly cached?: number
  /** Of the input tokens that were not cached: those written to the cache. */
  readonly written?: number
  readonly output?: number
}

/** US dollars for tokens used, at this price. Missing prices: cached and written tokens cost as input, output nothing. */
export function costOf({ input, cached = 0, written = 0, output = 0 }: Usage, price: Price): number {
  const fresh = input - cached - written
  const dollars =
    fresh * price.input +
    cached * (price.cachedInput ?? price.input) +
    written * (price.cacheWrite ?? price.input) +
    output * (price.output ?? 0)
  return dollars / 1e6
}
