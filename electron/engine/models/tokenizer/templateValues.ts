/** Values of a template as Python has them: what they print, when they are equal, what operators make of them. */
import { Environment, type Interpreter } from '@huggingface/jinja'

export type Value = ReturnType<Interpreter['evaluate']>

/** A value of the interpreter for one of JavaScript. */
export function toValue(value: unknown): Value {
  return new Environment().set('value', value)
}

/** Values within a value, itself included, each as often as it stands there; counted up to `most`. */
export function sizeOf(value: Value, most: number): number {
  let size = 0
  const waiting: Value[] = [value]
  for (let next = waiting.pop(); next !== undefined && size < most; next = waiting.pop()) {
    size += 1
    const items = isList(next.value) || isTable(next.value) ? next.value.values() : []
    for (const item of items) waiting.push(item)
  }
  return size
}

/** `str(value)`; nothing for an undefined one. */
export function textOf(value: Value): string {
  if (value.type === 'UndefinedValue') return ''
  return typeof value.value === 'string' ? value.value : repr(value)
}

function repr(value: Value): string {
  const inner = value.value
  if (typeof inner === 'string') return quoted(inner)
  if (value.type === 'NullValue') return 'None'
  if (inner === undefined || inner === null) return 'Undefined'
  if (typeof inner === 'boolean') return inner ? 'True' : 'False'
  if (typeof inner === 'number') return value.type === 'FloatValue' ? floatText(inner) : String(inner)
  if (isList(inner)) {
    const items = inner.map(repr).join(', ')
    if (value.type !== 'TupleValue') return `[${items}]`
    return `(${items}${inner.length === 1 ? ',' : ''})`
  }
  if (isTable(inner)) return `{${Array.from(inner, ([key, item]) => `${quoted(key)}: ${repr(item)}`).join(', ')}}`
  throw new Error(`A ${value.type} is nothing to print.`)
}

function quoted(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'"
  const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }
  const escaped = text.replaceAll(/[\\\p{Cc}]/gu, character => {
    return named[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `${mark}${mark === "'" ? escaped.replaceAll("'", "\\'") : escaped}${mark}`
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  }
  return Object.is(value, -0) ? '-0.0' : Number.isInteger(value) ? value.toFixed(1) : String(value)
}

/** `a == b` */
export function isEqual(a: Value, b: Value): boolean {
  const [left, right] = [a.value, b.value]
  if (isList(left) && isList(right)) {
    if ((a.type === 'TupleValue') !== (b.type === 'TupleValue') || left.length !== right.length) return false
    return left.every((item, i) => isEqual(item, right[i] ?? toValue(undefined)))
  }
  if (isTable(left) && isTable(right)) {
    if (left.size !== right.size) return false
    return Array.from(left).every(
      ([key, item]) => right.has(key) && isEqual(item, right.get(key) ?? toValue(undefined)),
    )
  }
  const [one, other] = [numberOf(a), numberOf(b)]
  if (one !== null && other !== null) return one === other
  return left === right && a.type === b.type
}

/** What an operator gives where Python has its own way; null where the library's is the same, or it is an error. */
export function operate(operator: string, a: Value, b: Value): Value | null {
  const [left, right] = [a.value, b.value]
  if (operator === '==') return toValue(isEqual(a, b))
  if (operator === '!=') return toValue(!isEqual(a, b))
  if (operator === '~') return toValue(textOf(a) + textOf(b))
  if ((operator === 'in' || operator === 'not in') && isList(right)) {
    return toValue(right.some(item => isEqual(item, a)) === (operator === 'in'))
  }
  if (operator === '%' && typeof left === 'string')
    return toValue(formatted(left, isList(right) && b.type === 'TupleValue' ? right : [b]))
  if (operator === '*' && typeof left === 'string' && typeof right === 'number') return toValue(repeated(left, right))
  if (operator === '*' && typeof left === 'number' && typeof right === 'string') return toValue(repeated(right, left))
  if (typeof left === 'string' && typeof right === 'string') return compared(operator, byCodePoints(left, right))
  const [one, other] = [numberOf(a), numberOf(b)]
  if (one === null || other === null) return null
  if (operator === '%' && other !== 0) return numberLike(one - other * Math.floor(one / other), a, b)
  if (typeof left === 'number' && typeof right === 'number') return null
  // True is 1, and False 0.
  if (operator === '+') return numberLike(one + other, a, b)
  if (operator === '-') return numberLike(one - other, a, b)
  if (operator === '*') return numberLike(one * other, a, b)
  return compared(operator, one - other)
}

function numberLike(result: number, ...operands: readonly Value[]): Value | null {
  // The library makes an integer of 1.0: there it says what it is.
  return operands.some(({ type }) => type === 'FloatValue') && Number.isInteger(result) ? null : toValue(result)
}

function compared(operator: string, difference: number): Value | null {
  if (operator === '<') return toValue(difference < 0)
  if (operator === '>') return toValue(difference > 0)
  if (operator === '<=') return toValue(difference <= 0)
  return operator === '>=' ? toValue(difference >= 0) : null
}

function byCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** A longer text is refused before it is made. */
const LONGEST = 8 << 20

function repeated(text: string, times: number): string {
  if (text.length * times > LONGEST) throw new Error('it grows beyond what any prompt needs')
  return text.repeat(Math.max(0, times))
}

/** `'%s: %d' % (a, b)` */
function formatted(pattern: string, values: readonly Value[]): string {
  let used = 0
  const text = pattern.replaceAll(/%(.)/gs, (all, kind) => {
    if (kind === '%') return '%'
    const value = values[used]
    used += 1
    if (value === undefined) throw new Error('not enough arguments for format string')
    if (kind === 's') return textOf(value)
    if (kind === 'r') return repr(value)
    if ((kind === 'd' || kind === 'i') && typeof value.value === 'number') return String(Math.trunc(value.value))
    throw new Error(`the format ${all} is not supported`)
  })
  if (used < values.length) throw new Error('not all arguments converted during string formatting')
  return text
}

/** Of an integer, a float or a boolean. */
export function numberOf({ value }: Value): number | null {
  return typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value : null
}

export function isList(value: unknown): value is readonly Value[] {
  return Array.isArray(value)
}

export function isTable(value: unknown): value is ReadonlyMap<string, Value> {
  return value instanceof Map
}
