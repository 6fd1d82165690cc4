import { ENGLISH, type Figures } from '../figures/createFigures.ts'
import { type CalculatorInputs, calculate } from './calculator.ts'

export interface FormulaLine {
  readonly name: string
  /** The rule in words and letters. */
  readonly rule: string
  /** The same with this calculation's numbers. */
  readonly numbers: string
}

/** The calculation spelt out, one line for each figure, so that it can be checked by hand. */
export function calculatorFormula(inputs: CalculatorInputs, figures: Figures = ENGLISH): FormulaLine[] {
  const { naive, caching, state, storagePerDay, machines } = calculate(inputs)
  const { steps, baseTokens, deltaTokens, outputTokens, agents, loopsPerDay, agentsPerBase } = inputs
  const { formatMoney } = figures
  const n = (value: number) => figures.formatNumber(Math.round(value * 100) / 100)
  const reply = inputs.keepReplies ? outputTokens : 0
  const replyRule = reply > 0 ? ' + reply × S(S−1)/2' : ''
  const replyNumbers = reply > 0 ? ` + ${n(reply)} × ${n((steps * (steps - 1)) / 2)}` : ''
  const shared = agentsPerBase > 1
  const day = `${n(agents)} agents × ${n(loopsPerDay)} loops`
  const money = (tokens: { input: number; output: number }, inputPrice = inputs.inputPrice) =>
    `(${n(tokens.input)} × ${formatMoney(inputPrice)} + ${n(tokens.output)} × ${formatMoney(inputs.outputPrice)}) / ${n(1e6)} × ${day}`
  const lines: FormulaLine[] = [
    {
      name: 'Re-reading everything: tokens per loop',
      rule: `S × base + delta × S(S+1)/2${replyRule}`,
      numbers: `${n(steps)} × ${n(baseTokens)} + ${n(deltaTokens)} × ${n((steps * (steps + 1)) / 2)}${replyNumbers} = ${n(naive.tokens.input)}`,
    },
    {
      name: 'State packs: tokens per loop',
      rule: shared ? 'base / agents sharing it + delta × S' : 'base + delta × S',
      numbers: `${n(baseTokens)}${shared ? ` / ${n(agentsPerBase)}` : ''} + ${n(deltaTokens)} × ${n(steps)} = ${n(state.tokens.input)}`,
    },
    {
      name: 'Re-reading everything: cost per day',
      rule: '(input × price + output × price) × agents × loops',
      numbers: `${money(naive.tokens)} = ${formatMoney(naive.perDay)}`,
    },
  ]
  if (caching !== null) {
    const { input, cached, written } = caching.tokens
    lines.push({
      name: 'Provider caching: cost per day',
      rule: 'new × input price + found × cached price + written × write price, + output, × agents × loops',
      numbers: `of ${n(input)} input tokens ${n(cached)} found in the cache, ${n(written)} charged as cache writes: ${formatMoney(caching.perDay)}`,
    })
  }
  lines.push(
    inputs.hardwarePerHour > 0
      ? {
          name: 'State packs: cost per day',
          rule: 'machines × hours on × cost per hour + storage',
          numbers: `${n(machines)} × ${n(inputs.hardwareHoursPerDay)} × ${formatMoney(inputs.hardwarePerHour)} + ${formatMoney(storagePerDay)} = ${formatMoney(state.perDay)}`,
        }
      : {
          name: 'State packs: cost per day',
          rule: '(input × price + output × price) × agents × loops + storage',
          numbers: `${money(state.tokens)} + ${formatMoney(storagePerDay)} = ${formatMoney(state.perDay)}`,
        },
  )
  return lines
}
