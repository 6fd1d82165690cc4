import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CalculatorInputs,
  calculate,
  calculatorInputsSchema,
  DEFAULT_CALCULATOR,
  loopSeries,
  withPrice,
} from '#shared/domain/calculator.ts'
import { calculatorFormula } from '#shared/domain/calculatorFormula.ts'
import { calculatorCsv, encodeCalculator, parseCalculator } from '#shared/domain/calculatorLink.ts'
import { changedPrices, costOf, DEFAULT_PRICES, type Price, parsePriceList } from '#shared/domain/prices.ts'
import { naiveLoopTokens, stateLoopTokens } from '#shared/domain/savings.ts'

const runs = { numRuns: process.env.DEEP ? 5000 : 100 }
const priced = (id: string) => DEFAULT_PRICES.prices.find(p => p.id === id) as Price

const inputsArbitrary: fc.Arbitrary<CalculatorInputs> = fc.record({
  agents: fc.integer({ min: 1, max: 5000 }),
  steps: fc.integer({ min: 1, max: 60 }),
  baseTokens: fc.integer({ min: 0, max: 20_000 }),
  deltaTokens: fc.integer({ min: 0, max: 500 }),
  loopsPerDay: fc.integer({ min: 1, max: 1000 }),
  outputTokens: fc.integer({ min: 0, max: 500 }),
  keepReplies: fc.boolean(),
  inputPrice: fc.double({ min: 0.01, max: 20, noNaN: true }),
  outputPrice: fc.double({ min: 0, max: 80, noNaN: true }),
  cachedInputPrice: fc.option(fc.double({ min: 0, max: 10, noNaN: true })),
  cacheWritePrice: fc.option(fc.double({ min: 0, max: 25, noNaN: true })),
  cacheLifetimeSeconds: fc.constantFrom(0, 60, 300),
  secondsBetweenSteps: fc.constantFrom(1, 100, 1000),
  cacheMinimumTokens: fc.constantFrom(0, 128, 1024),
  agentsPerBase: fc.integer({ min: 1, max: 100 }),
  storedStates: fc.integer({ min: 0, max: 10_000 }),
  stateBytesPerToken: fc.constantFrom(0, 2048, 32_768),
  storagePrice: fc.double({ min: 0, max: 1, noNaN: true }),
  hardwarePerHour: fc.constantFrom(0, 0.5, 4),
  hardwareHoursPerDay: fc.constantFrom(1, 8, 24),
  prefillTokensPerSecond: fc.constantFrom(100, 5000),
  decodeTokensPerSecond: fc.constantFrom(10, 100),
})

/** The loop played out, token by token kind, with a cache that is a list of what was sent. */
function played(inputs: CalculatorInputs) {
  let naive = 0
  let context = inputs.baseTokens
  let previous: number | null = null
  let cached = 0
  let written = 0
  const inTime = inputs.secondsBetweenSteps <= inputs.cacheLifetimeSeconds
  for (let step = 1; step <= inputs.steps; step++) {
    context += inputs.deltaTokens
    naive += context
    let found = 0
    if (previous !== null && inTime && previous >= inputs.cacheMinimumTokens) found = previous
    if (previous === null && inTime && inputs.baseTokens >= inputs.cacheMinimumTokens) {
      found = inputs.baseTokens - inputs.baseTokens / inputs.agentsPerBase
    }
    cached += found
    if (context >= inputs.cacheMinimumTokens && inputs.cacheWritePrice !== null) written += context - found
    previous = context
    if (inputs.keepReplies) context += inputs.outputTokens
  }
  return { naive, cached, written, state: inputs.baseTokens / inputs.agentsPerBase + inputs.deltaTokens * inputs.steps }
}

describe("State Pack's calculator", () => {
  it('gives its figures for its defaults', () => {
    const { naive, state, savedTokensPercent } = calculate(DEFAULT_CALCULATOR)
    expect([naive.tokens.input, state.tokens.input]).toEqual([44_600, 1_700])
    expect(savedTokensPercent.toFixed(1)).toBe('96.2')
    expect([naive.perDay.toFixed(2), state.perDay.toFixed(2)]).toEqual(['669.00', '25.50'])
  })

  it.each([
    ['gpt-4o-mini', 0.15, '669.00', '25.50'],
    ['gpt-4o', 2.5, '11150.00', '425.00'],
    ['o1', 15, '66900.00', '2550.00'],
    ['claude-3-5-sonnet', 3, '13380.00', '510.00'],
    ['llama-3-hosted', 0.8, '3568.00', '136.00'],
  ])('%s at $%f', (id, price, naiveDay, stateDay) => {
    expect(priced(id).input).toBe(price)
    const { naive, state } = calculate(withPrice(DEFAULT_CALCULATOR, priced(id)))
    expect([naive.perDay.toFixed(2), state.perDay.toFixed(2)]).toEqual([naiveDay, stateDay])
  })

  it.each([
    [40, 38, 21, 18_740, 878],
    [20, 38, 21, 5_170, 458],
  ])('its closed form over %i steps, deltas of equal length', (steps, base, delta, naive, state) => {
    expect([naiveLoopTokens({ steps, base, delta }), stateLoopTokens({ steps, base, delta })]).toEqual([naive, state])
  })
})

describe('the calculator beyond it', () => {
  it('agrees with the loop played out step by step', () => {
    fc.assert(
      fc.property(inputsArbitrary, inputs => {
        const { naive, caching, state } = calculate(inputs)
        const expected = played(inputs)
        expect(naive.tokens.input).toBe(expected.naive)
        expect(state.tokens.input).toBeCloseTo(expected.state, 6)
        if (inputs.cachedInputPrice === null) expect(caching).toBeNull()
        else {
          expect(caching?.tokens.cached).toBeCloseTo(expected.cached, 4)
          expect(caching?.tokens.written).toBeCloseTo(expected.written, 4)
        }
        const series = loopSeries(inputs)
        expect(series.at(-1)?.naive).toBe(naive.tokens.input)
        expect(series.at(-1)?.state).toBeCloseTo(state.tokens.input, 6)
      }),
      runs,
    )
  })

  it('break-even is the first number that wins, and the one before does not', () => {
    fc.assert(
      fc.property(inputsArbitrary, inputs => {
        const { againstNaive } = calculate(inputs).breakEven
        const wins = (changed: Partial<CalculatorInputs>) => {
          const { naive, state } = calculate({ ...inputs, ...changed })
          return state.perDay < naive.perDay
        }
        if (againstNaive.steps !== null) {
          expect(wins({ steps: againstNaive.steps })).toBe(true)
          if (againstNaive.steps > 1) expect(wins({ steps: againstNaive.steps - 1 })).toBe(false)
        }
        if (againstNaive.loopsPerDay !== null && againstNaive.loopsPerDay < 1e7) {
          expect(wins({ loopsPerDay: againstNaive.loopsPerDay })).toBe(true)
          if (againstNaive.loopsPerDay > 1) expect(wins({ loopsPerDay: againstNaive.loopsPerDay - 1 })).toBe(false)
        }
      }),
      { numRuns: process.env.DEEP ? 500 : 20 },
    )
  })

  it('counts what State Pack leaves out', () => {
    const changed = (change: Partial<CalculatorInputs>) => calculate({ ...DEFAULT_CALCULATOR, ...change })
    const base = calculate(DEFAULT_CALCULATOR)
    // Output is written in every way of running: it narrows the saving in percent of money, not in dollars.
    const output = changed({ outputTokens: 100 })
    expect(output.savedPerDay).toBeCloseTo(base.savedPerDay, 6)
    expect(output.state.perDay).toBeCloseTo(25.5 + (100 * 40 * 0.6 * 1e5) / 1e6, 6)
    // Kept replies are read again by a naive loop only.
    const kept = changed({ outputTokens: 100, keepReplies: true })
    expect(kept.naive.tokens.input).toBe(44_600 + 100 * 780)
    expect(kept.state.tokens.input).toBe(1_700)
    // Sharing.
    expect(changed({ agentsPerBase: 1000 }).state.tokens.input).toBe(1_200.5)
    // A cache that forgets between steps finds nothing.
    expect(changed({ secondsBetweenSteps: 301, cacheMinimumTokens: 0 }).caching?.tokens.cached).toBe(0)
    expect(changed({ secondsBetweenSteps: 300, cacheMinimumTokens: 0 }).caching?.tokens.cached).toBe(44_600 - 1_700)
    // Write surcharge: everything new is written once.
    expect(changed({ cacheMinimumTokens: 0, cacheWritePrice: 0.2 }).caching?.tokens.written).toBe(1_700)
    // 1,000 states of 500 tokens of 32 KiB are 16.384 GB.
    expect(changed({ storedStates: 1000 }).storagePerDay).toBeCloseTo((16.384 * 0.023) / 30, 9)
    // 170 M tokens a day at 5,000/s are 9.44 hours: one machine, on all day.
    const own = changed({ hardwarePerHour: 2 })
    expect([own.machines, own.state.perDay]).toEqual([1, 48])
    expect(changed({ hardwarePerHour: 2, hardwareHoursPerDay: 4 }).machines).toBe(3)
  })

  it('warns where a hosted API cannot take a state', () => {
    expect(calculate(DEFAULT_CALCULATOR).warnings.join(' ')).toContain('Hosted APIs do not accept a state')
    expect(calculate({ ...DEFAULT_CALCULATOR, hardwarePerHour: 1 }).warnings).toEqual([])
  })

  it('spells out the formula with the numbers of the result', () => {
    const text = calculatorFormula(DEFAULT_CALCULATOR)
      .map(line => line.numbers)
      .join('\n')
    for (const figure of ['40 × 500 + 30 × 820 = 44,600', '500 + 30 × 40 = 1,700', '$669.00', '$25.50'])
      expect(text).toContain(figure)
  })
})

describe('link and CSV', () => {
  it('a link gives back the same inputs, so the same figures', () => {
    fc.assert(
      fc.property(inputsArbitrary, inputs => {
        for (const prefix of ['', '?', '#'])
          expect(parseCalculator(prefix + encodeCalculator(inputs))).toEqual({ inputs, ignored: [] })
      }),
      runs,
    )
    expect(encodeCalculator(DEFAULT_CALCULATOR)).toBe('')
    expect(parseCalculator('').inputs).toEqual(DEFAULT_CALCULATOR)
  })

  it('ignores, and names, what it cannot use', () => {
    const { inputs, ignored } = parseCalculator(
      '?steps=-1&agents=7&nonsense=3&outputPrice=none&keepReplies=5&__proto__=1&loopsPerDay=1e999&deltaTokens=<b>',
    )
    expect(inputs).toEqual({ ...DEFAULT_CALCULATOR, agents: 7 })
    expect(ignored).toEqual([
      'steps',
      'nonsense',
      'outputPrice',
      'keepReplies',
      '__proto__',
      'loopsPerDay',
      'deltaTokens',
    ])
  })

  it('never gives inputs the calculator refuses', () => {
    fc.assert(
      fc.property(fc.string(), text => calculatorInputsSchema.safeParse(parseCalculator(text).inputs).success),
      runs,
    )
  })

  it('CSV holds every input and the figures at full precision', () => {
    const rows = calculatorCsv(DEFAULT_CALCULATOR)
      .split('\r\n')
      .map(row => row.split(','))
    expect(rows.find(row => row[0] === 'agents')).toEqual(['agents', '1000'])
    expect(Number(rows.find(row => row[0] === 'naive')?.[6])).toBe(calculate(DEFAULT_CALCULATOR).naive.perDay)
    expect(Number(rows.find(row => row[0] === 'state')?.[1])).toBe(1700)
  })
})

describe('prices', () => {
  it('each has a source and a date, and a change makes a new version', () => {
    for (const price of DEFAULT_PRICES.prices) expect(price.date).toMatch(/^\d{4}-\d\d-\d\d$/)
    const changed = changedPrices(DEFAULT_PRICES, [{ ...priced('o1'), input: 1 }])
    expect([changed.version, changed.prices.length]).toEqual([DEFAULT_PRICES.version + 1, 1])
    expect(() => parsePriceList({ version: 1, prices: [priced('o1'), priced('o1')] })).toThrow()
    expect(() => parsePriceList({ version: 1, prices: [{ ...priced('o1'), input: -1 }] })).toThrow()
  })

  it.each([
    ['gpt-4o-mini', [0.15, 0.075, null, 0.6]],
    ['gpt-4o', [2.5, 1.25, null, 10]],
    ['o1', [15, 7.5, null, 60]],
    ['claude-3-5-sonnet', [3, 0.3, 3.75, 15]],
  ])('%s costs what its provider lists', (id, listed) => {
    const { input, cachedInput, cacheWrite, output, source } = priced(id)
    expect([input, cachedInput, cacheWrite, output]).toEqual(listed)
    expect(source).toMatch(/^(OpenAI|Anthropic)'s .*price list/)
  })

  it('charges fresh, cached, written and output tokens each at their own price', () => {
    const price = { ...priced('claude-3-5-sonnet') }
    expect(costOf({ input: 1000, cached: 300, written: 500, output: 10 }, price)).toBeCloseTo(
      (200 * 3 + 300 * 0.3 + 500 * 3.75 + 10 * 15) / 1e6,
      12,
    )
    expect(costOf({ input: 1000, cached: 300, output: 10 }, { ...price, cachedInput: null, output: null })).toBeCloseTo(
      0.003,
      12,
    )
  })
})
