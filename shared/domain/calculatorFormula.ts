import { type CalculatorInputs, calculate } from './calculator.ts'

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 })
const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', maximumFractionDigits: 2 })

export interface FormulaLine {
  readonly name: string
  /** The rule in words and letters. */
  readonly rule: string
  /** The same with this calculation's numbers. */
  readonly numbers: string
}

/** The calculation spelt out, one line for each figure, so that it can be checked by hand. */
export function calculatorFormula(inputs: CalculatorInputs): FormulaLine[] {
  const { naive, caching, state, storagePerDay, machines } = calculate(inputs)
  const { steps, baseTokens, deltaTokens, outputTokens, agents, loopsPerDay, agentsPerBase } = inputs
  const n = (value: number) => number.format(value)
  const reply = inputs.keepReplies ? outputTokens : 0
  const replyRule = reply > 0 ? ' + reply × S(S−1)/2' : ''
  const replyNumbers = reply > 0 ? ` + ${n(reply)} × ${n((steps * (steps - 1)) / 2)}` : ''
  const shared = agentsPerBase > 1
  const day = `${n(agents)} agents × ${n(loopsPerDay)} loops`
  const money = (tokens: { input: number; output: number }, inputPrice = inputs.inputPrice) =>
    `(${n(tokens.input)} × ${dollars.format(inputPrice)} + ${n(tokens.output)} × ${dollars.format(inputs.outputPrice)}) / 1,000,000 × ${day}`
  const lines: FormulaLine[] = [
    {
      name: 'Naive tokens per loop',
      rule: `S × base + delta × S(S+1)/2${replyRule}`,
      numbers: `${n(steps)} × ${n(baseTokens)} + ${n(deltaTokens)} × ${n((steps * (steps + 1)) / 2)}${replyNumbers} = ${n(naive.tokens.input)}`,
    },
    {
      name: 'State-pack tokens per loop',
      rule: shared ? 'base / agents sharing it + delta × S' : 'base + delta × S',
      numbers: `${n(baseTokens)}${shared ? ` / ${n(agentsPerBase)}` : ''} + ${n(deltaTokens)} × ${n(steps)} = ${n(state.tokens.input)}`,
    },
    {
      name: 'Naive cost per day',
      rule: '(input × price + output × price) × agents × loops',
      numbers: `${money(naive.tokens)} = ${dollars.format(naive.perDay)}`,
    },
  ]
  if (caching !== null) {
    const { input, cached, written } = caching.tokens
    lines.push({
      name: 'Prompt-caching cost per day',
      rule: 'new × input price + found × cached price + written × write price, + output, × agents × loops',
      numbers: `of ${n(input)} input tokens ${n(cached)} found in the cache, ${n(written)} charged as cache writes: ${dollars.format(caching.perDay)}`,
    })
  }
  lines.push(
    inputs.hardwarePerHour > 0
      ? {
          name: 'State-pack cost per day',
          rule: 'machines × hours on × cost per hour + storage',
          numbers: `${n(machines)} × ${n(inputs.hardwareHoursPerDay)} × ${dollars.format(inputs.hardwarePerHour)} + ${dollars.format(storagePerDay)} = ${dollars.format(state.perDay)}`,
        }
      : {
          name: 'State-pack cost per day',
          rule: '(input × price + output × price) × agents × loops + storage',
          numbers: `${money(state.tokens)} + ${dollars.format(storagePerDay)} = ${dollars.format(state.perDay)}`,
        },
  )
  return lines
}
