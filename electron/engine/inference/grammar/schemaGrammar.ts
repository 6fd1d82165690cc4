import { canonicalText } from '#engine/canonicalJson.ts'
import { literal } from './byteSpelling.ts'
import { numberRule } from './numberRules.ts'
import { type Json, listAt, objectAt, refusedAt, timesAt } from './schemaParts.ts'
import { TEXT_RULES, textRule } from './textRules.ts'

interface Where {
  /** As a pointer into the schema. */
  readonly at: string
  readonly level: number
  /** What `$ref` may name, and its rule. */
  readonly refs: ReadonlyMap<string, string>
  /** Rules so far. */
  readonly rules: string[]
}

/** Characters of a schema, and levels. */
const MOST_CHARACTERS = 64 * 1024
const MOST_LEVELS = 32

const ANNOTATIONS = new Set([
  ...['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$comment', '$schema', '$id'],
])
const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']
/** What may be said of a value of a type. */
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  ...{ null: [], boolean: [], integer: BOUNDS, number: BOUNDS },
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  object: ['properties', 'required', 'additionalProperties'],
}
const KNOWN = new Set(['type', 'enum', 'const', 'anyOf', '$ref', ...Object.values(KEYWORDS).flat()])
const ANY = [
  'any ::= text | number | "true" | "false" | "null" | map | list',
  `number ::= ${numberRule({}, { isWhole: false, at: '#' })}`,
  'map ::= "{" (text ": " any (", " text ": " any)*)? "}"',
  'list ::= "[" (any (", " any)*)? "]"',
]

/**
 * The JSON texts of a schema, on one line, as an EBNF grammar. An object that names its properties has no others, in the order
 * of the schema, so that whatever follows the grammar follows the schema. Throws `E_NOT_SUPPORTED` with the keyword, and where
 * it is, for what cannot be held to token by token; `E_BAD_INPUT` for what is no schema.
 */
export function schemaGrammar(schema: unknown): string {
  return grammarOf(rules => addSchema(schema, 'root', rules))
}

/** A grammar of rules that may refer to those of JSON. */
export function grammarOf(add: (rules: string[]) => void): string {
  const rules: string[] = []
  add(rules)
  return [...rules, ...ANY, ...TEXT_RULES].join('\n')
}

/** Adds the rules of a schema, the first called `name`. Throws as {@link schemaGrammar}. */
export function addSchema(schema: unknown, name: string, rules: string[]): void {
  if (canonicalText(schema).length > MOST_CHARACTERS)
    throw refusedAt('#', `a schema may have ${MOST_CHARACTERS} characters`)
  const { $defs, definitions, ...root } = objectAt(schema, '#')
  const defined = Object.entries({ $defs, definitions }).flatMap(([group, named]) =>
    named === undefined
      ? []
      : Object.entries(objectAt(named, `#/${group}`)).map(([name, one]) => ({ at: `#/${group}/${name}`, one })),
  )
  const refs = new Map([['#', name], ...defined.map(({ at }, i) => [at, `${name}_defined${i}`] as const)])
  refuseCircles([{ at: '#', one: root }, ...defined])
  for (const { at, one } of [{ at: '#', one: root }, ...defined])
    rules.push(`${refs.get(at)} ::= ${valueRule(one, { at, level: 0, refs, rules })}`)
}

function valueRule(schema: unknown, where: Where): string {
  const { at, level, refs } = where
  if (schema === true) return 'any'
  if (schema === false) throw refusedAt(at, 'false allows no answer')
  if (level > MOST_LEVELS) throw refusedAt(at, `a schema may be ${MOST_LEVELS} levels deep`)
  const given = objectAt(schema, at)
  const keywords = Object.keys(given).filter(name => !ANNOTATIONS.has(name))
  for (const name of keywords) if (!KNOWN.has(name)) throw refusedAt(at, `“${name}” is not supported`)
  for (const alone of ['$ref', 'anyOf'])
    if (alone in given && keywords.length > 1) throw refusedAt(at, `“${alone}” is supported with nothing beside it`)
  if ('$ref' in given) {
    const rule = refs.get(String(given.$ref))
    if (rule !== undefined) return rule
    throw refusedAt(at, `“$ref” leads to ${JSON.stringify(given.$ref)}, which is no definition of this schema`)
  }
  if ('anyOf' in given)
    return oneOf(listAt(given.anyOf, `${at}/anyOf`).map((one, i) => valueRule(one, inside(where, `anyOf/${i}`))))
  const types = typesOf(given, at)
  if ('const' in given || 'enum' in given) return oneOf(valuesOf(given, { types, at }))
  const spoken = types.flatMap(type => KEYWORDS[type] ?? [])
  const unspoken = keywords.find(name => name !== 'type' && !spoken.includes(name))
  if (unspoken !== undefined) throw refusedAt(at, `“${unspoken}” does not go with ${types.join(', ') || 'no “type”'}`)
  return types.length === 0 ? 'any' : oneOf(types.map(type => typeRule(type, given, where)))
}

function typeRule(type: string, given: Json, where: Where): string {
  if (type === 'string') return textRule(given, where.at)
  if (type === 'integer' || type === 'number') return numberRule(given, { isWhole: type === 'integer', at: where.at })
  if (type === 'array') return listRule(given, where)
  if (type === 'object') return objectRule(given, where)
  return type === 'null' ? '"null"' : '("true" | "false")'
}

function listRule(given: Json, where: Where): string {
  const { items, prefixItems } = given
  const { at } = where
  const { min, max } = timesAt(given, ['minItems', 'maxItems'], at)
  if (prefixItems !== undefined) {
    // A tuple has all of its items and no more.
    const tuple = listAt(prefixItems, `${at}/prefixItems`)
    const isWhole = min <= tuple.length && (max ?? tuple.length) === tuple.length && (items ?? false) === false
    if (!isWhole) throw refusedAt(at, '“prefixItems” is supported for all of the items and no more')
    return `"[" ${tuple.map((one, i) => valueRule(one, inside(where, `prefixItems/${i}`))).join(' ", " ')} "]"`
  }
  if (max === 0) return '"[]"'
  const item = items === undefined ? 'any' : named(valueRule(items, inside(where, 'items')), where)
  const some = `${item} (", " ${item}){${Math.max(0, min - 1)},${max === undefined ? '' : max - 1}}`
  return min === 0 ? `"[" (${some})? "]"` : `"[" ${some} "]"`
}

function objectRule(given: Json, where: Where): string {
  const { properties = {}, required = [], additionalProperties: more = true } = given
  const { at } = where
  const own = Object.entries(objectAt(properties, `${at}/properties`))
  const must = new Set(listAt(required, `${at}/required`, { mayBeEmpty: true }))
  const unknown = [...must].find(name => !own.some(([key]) => key === name))
  if (unknown !== undefined) throw refusedAt(at, `“required” names ${JSON.stringify(unknown)}, which is no property`)
  if (own.length === 0) {
    if (more === false) return '"{}"'
    const value = named(valueRule(more, inside(where, 'additionalProperties')), where)
    return `"{" (text ": " ${value} (", " text ": " ${value})*)? "}"`
  }
  // From the last to the first: what may follow when something stands before it, and when nothing does.
  let [after, first] = ['""', '""']
  for (const [key, one] of own.toReversed()) {
    const pair = `${literal(`${JSON.stringify(key)}: `)} ${valueRule(one, inside(where, `properties/${key}`))}`
    const ways = { after: `", " ${pair} ${after}`, first: `${pair} ${after}` }
    first = named(must.has(key) ? ways.first : `${ways.first} | ${first}`, where)
    after = named(must.has(key) ? ways.after : `${ways.after} | ${after}`, where)
  }
  return `"{" ${first} "}"`
}

/** Written once, and referred to. */
function named(rule: string, { rules }: Where): string {
  const name = `part${rules.length}`
  rules.push(`${name} ::= ${rule}`)
  return name
}

function valuesOf(given: Json, { types, at }: { types: readonly string[]; at: string }): string[] {
  const listed = 'const' in given ? [given.const] : listAt(given.enum, `${at}/enum`)
  const allowed = 'type' in given ? listed.filter(value => types.some(type => isOf(type, value))) : listed
  if (allowed.length === 0) throw refusedAt(at, 'no value of “enum” is of its “type”')
  return allowed.map(value => literal(JSON.stringify(value)))
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value)
  if (value === null) return type === 'null'
  return type === (Array.isArray(value) ? 'array' : typeof value)
}

function typesOf({ type = [] }: Json, at: string): readonly string[] {
  const types = typeof type === 'string' ? [type] : listAt(type, `${at}/type`, { mayBeEmpty: true })
  const wrong = types.find(one => typeof one !== 'string' || !Object.hasOwn(KEYWORDS, one))
  if (wrong !== undefined) throw refusedAt(at, `${JSON.stringify(wrong)} is no type`)
  return types.map(String)
}

/** A definition that is itself, or one of whose shapes is, says nothing. */
function refuseCircles(places: readonly { at: string; one: unknown }[]): void {
  const isIn = (at: string, one: unknown, seen: readonly string[]): boolean => {
    const { $ref, anyOf = [] } = (typeof one === 'object' && one !== null ? one : {}) as {
      $ref?: string
      anyOf?: unknown[]
    }
    if ($ref !== undefined) {
      const next = places.find(place => place.at === $ref)
      return seen.includes($ref) || (next !== undefined && isIn(at, next.one, [...seen, $ref]))
    }
    return Array.isArray(anyOf) && anyOf.some(branch => isIn(at, branch, seen))
  }
  for (const { at, one } of places) if (isIn(at, one, [at])) throw refusedAt(at, 'it is defined by itself')
}

const oneOf = (ways: readonly string[]) => (ways.length === 1 ? (ways[0] ?? '') : `(${ways.join(' | ')})`)

function inside({ at, level, refs, rules }: Where, further: string): Where {
  return { at: `${at}/${further}`, level: level + 1, refs, rules }
}
