/** Filters and tests of Jinja that the library has not, or has otherwise than Python. */
import { jsonOf } from './templateJson.ts'
import { capitalized, stripped } from './templateStrings.ts'
import { isEqual, isList, isTable, numberOf, operate, textOf, toValue, type Value } from './templateValues.ts'

export interface FilterCall {
  readonly operand: Value
  readonly args: readonly Value[]
  readonly named: ReadonlyMap<string, Value>
  /** The items of what can be looped over. */
  items(value: Value): readonly Value[]
  test(name: string, value: Value, args: readonly Value[]): boolean
  apply(name: string, value: Value, args: readonly Value[]): Value
}

type OwnFilter = (call: FilterCall) => Value | null

/** null: as the library does. */
export const FILTERS: Readonly<Record<string, OwnFilter>> = {
  string: ({ operand }) => toValue(textOf(operand)),
  tojson: ({ operand, named }) =>
    toValue(
      jsonOf(operand, {
        indent: named.get('indent')?.value,
        separators: named.get('separators')?.value,
        sorted: named.get('sort_keys')?.value === true,
        ascii: named.get('ensure_ascii')?.value === true,
      }),
    ),
  trim: ({ operand, args }) => ofText(operand, text => stripped(text, args[0]?.value)),
  capitalize: ({ operand }) => ofText(operand, capitalized),
  length: ({ operand }) => ofText(operand, text => Array.from(text).length),
  reverse: ({ operand }) => ofText(operand, text => Array.from(text).reverse().join('')),
  join({ operand, args, named, items }) {
    const attribute = named.get('attribute') ?? args[1]
    const separator = textOf(args[0] ?? named.get('d') ?? toValue(''))
    const parts = items(operand).map(item => (attribute === undefined ? item : member(item, textOf(attribute))))
    const length = parts.reduce(
      (sum, { value }) => sum + separator.length + (typeof value === 'string' ? value.length : 0),
      0,
    )
    if (length > LONGEST_TEXT) throw new Error('it grows beyond what any prompt needs')
    return toValue(parts.map(textOf).join(separator))
  },
  map({ operand, args: [name, ...args], named, items, apply }) {
    if (name === undefined || named.has('attribute')) return null
    return list(items(operand).map(item => apply(textOf(name), item, args)))
  },
  select: call => chosen(call, item => item, true),
  reject: call => chosen(call, item => item, false),
  selectattr: call => chosenBy(call, true),
  rejectattr: call => chosenBy(call, false),
  sum({ operand, args, named, items }) {
    const attribute = named.get('attribute') ?? args[0]
    const values = items(operand).map(item => (attribute === undefined ? item : member(item, textOf(attribute))))
    const numbers = values.map(numberOf)
    if (numbers.includes(null)) throw new Error('sum of what are no numbers is not supported')
    return toValue(numbers.reduce<number>((sum, value) => sum + (value ?? 0), 0))
  },
  max: call => extreme(call, 1),
  min: call => extreme(call, -1),
}

const LONGEST_TEXT = 8 << 20

/** null: one of the library's. */
export function ownTest(name: string, value: Value, args: readonly Value[]): boolean | null {
  const [other = toValue(undefined)] = args
  const operator = OPERATORS[name]
  if (operator !== undefined) {
    const result = operate(operator, value, other) ?? difference(operator, value, other)
    return result.value === true
  }
  if (name === 'sameas') return value.value === other.value
  if (name === 'float') return value.type === 'FloatValue'
  if (name === 'number') return numberOf(value) !== null
  if (name === 'iterable') {
    const inner = value.value
    return value.type === 'UndefinedValue' || typeof inner === 'string' || isList(inner) || isTable(inner)
  }
  return null
}

const OPERATORS: Readonly<Record<string, string>> = {
  ...{ eq: '==', equalto: '==', '==': '==', ne: '!=', '!=': '!=', in: 'in' },
  ...{ lt: '<', lessthan: '<', '<': '<', le: '<=', '<=': '<=' },
  ...{ gt: '>', greaterthan: '>', '>': '>', ge: '>=', '>=': '>=' },
}

/** Where {@link operate} leaves it to the library: two numbers, a part of a text, a key of a table. */
function difference(operator: string, value: Value, other: Value): Value {
  if (operator === 'in') {
    const inside = other.value
    if (typeof inside === 'string') return toValue(inside.includes(textOf(value)))
    return toValue(isTable(inside) && inside.has(textOf(value)))
  }
  const [a, b] = [numberOf(value), numberOf(other)]
  if (a === null || b === null) throw new Error(`${operator} is not defined for ${value.type} and ${other.type}`)
  const results: Readonly<Record<string, boolean>> = { '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }
  return toValue(results[operator] === true)
}

function ofText(operand: Value, change: (text: string) => unknown): Value | null {
  return typeof operand.value === 'string' ? toValue(change(operand.value)) : null
}

/** A list of values of the interpreter. */
export function list(items: readonly Value[]): Value {
  const made = toValue([])
  if (Array.isArray(made.value)) for (const item of items) made.value.push(item)
  return made
}

/** `a.b.c`, undefined where there is none. */
function member(item: Value, path: string): Value {
  return path.split('.').reduce((at, key) => {
    const inner = at.value
    const next = isTable(inner) ? inner.get(key) : isList(inner) ? inner[Number(key)] : undefined
    return next ?? toValue(undefined)
  }, item)
}

function chosen(call: FilterCall, of: (item: Value) => Value, wanted: boolean, args = call.args): Value {
  const [name, ...others] = args
  const isSo = (value: Value) => (name === undefined ? value.__bool__().value : call.test(textOf(name), value, others))
  return list(call.items(call.operand).filter(item => isSo(of(item)) === wanted))
}

function chosenBy(call: FilterCall, wanted: boolean): Value {
  const [attribute, ...args] = call.args
  const path = textOf(attribute ?? toValue(''))
  return chosen(call, item => member(item, path), wanted, args)
}

function extreme({ operand, items }: FilterCall, sign: 1 | -1): Value {
  const [first, ...others] = items(operand)
  if (first === undefined) return toValue(undefined)
  return others.reduce((best, item) => {
    if (isEqual(item, best)) return best
    const more = operate('>', item, best) ?? difference('>', item, best)
    return (more.value === true) === (sign === 1) ? item : best
  }, first)
}
