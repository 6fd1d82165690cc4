/** The calculator's inputs as the query of a link, and its results as a CSV file. */
import { type CalculatorInputs, calculate, calculatorInputsSchema, DEFAULT_CALCULATOR } from './calculator.ts'

type Key = keyof CalculatorInputs
const KEYS = Object.keys(DEFAULT_CALCULATOR) as Key[]

/** The inputs that differ from the defaults, as `steps=60&keepReplies=true`; empty for the defaults. */
export function encodeCalculator(inputs: CalculatorInputs): string {
  return KEYS.filter(key => inputs[key] !== DEFAULT_CALCULATOR[key])
    .map(key => `${key}=${inputs[key] === null ? 'none' : String(inputs[key])}`)
    .join('&')
}

/** The inputs of a link; a leading `?` or `#` is allowed. What is unknown or out of range keeps its default and is named. */
export function parseCalculator(query: string): {
  readonly inputs: CalculatorInputs
  readonly ignored: readonly string[]
} {
  let inputs = DEFAULT_CALCULATOR
  const ignored: string[] = []
  for (const pair of query.replace(/^[?#]/, '').split('&')) {
    if (pair === '') continue
    const [key = '', text = ''] = pair.split('=')
    const changed = calculatorInputsSchema.safeParse({ ...inputs, [key]: typedValue(text) })
    if (KEYS.some(known => known === key) && changed.success) inputs = changed.data
    else ignored.push(key)
  }
  return { inputs, ignored }
}

function typedValue(text: string): number | boolean | null | undefined {
  if (text === 'none') return null
  if (text === 'true' || text === 'false') return text === 'true'
  return /^[0-9.eE+-]+$/.test(text) ? Number(text) : undefined
}

/** Inputs and results as CSV (RFC 4180: comma, CRLF), full precision. */
export function calculatorCsv(inputs: CalculatorInputs): string {
  const { naive, caching, state, savedTokensPercent, savedPerDay } = calculate(inputs)
  const rows: (string | number)[][] = [['input', 'value']]
  for (const key of KEYS) rows.push([key, String(inputs[key] ?? 'none')])
  rows.push(
    [],
    [
      'line',
      'input tokens per loop',
      'cached',
      'cache writes',
      'output tokens per loop',
      'USD per loop',
      'USD per day',
    ],
  )
  for (const line of [naive, caching, state]) {
    if (line === null) continue
    const { input, cached, written, output } = line.tokens
    rows.push([line.id, input, cached, written, output, line.perLoop, line.perDay])
  }
  rows.push([], ['saved tokens percent', savedTokensPercent], ['saved USD per day', savedPerDay])
  return rows.map(row => `${row.join(',')}\r\n`).join('')
}
