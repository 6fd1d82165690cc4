import { isList, isTable, textOf, type Value } from './templateValues.ts'

interface JsonStyle {
  /** Spaces of a level, or the text of one; anything else writes one line. */
  readonly indent: unknown
  /** Between items, and after a key. */
  readonly separators: unknown
  readonly sorted: boolean
  /** Characters beyond ASCII as escapes. */
  readonly ascii: boolean
}

/** `json.dumps` of Python. */
export function jsonOf(value: Value, style: JsonStyle): string {
  const { indent, separators, sorted, ascii } = style
  const level =
    typeof indent === 'number' ? ' '.repeat(Math.min(indent, 64)) : typeof indent === 'string' ? indent : null
  const given = isList(separators) ? separators.map(textOf) : []
  const [comma = level === null ? ', ' : ',', colon = ': '] = given
  const text = (raw: string) => {
    const json = JSON.stringify(raw)
    if (!ascii) return json
    return json.replaceAll(/[\u0080-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  }
  const enclosed = (open: string, items: readonly string[], depth: number, close: string) => {
    if (items.length === 0) return open + close
    if (level === null) return open + items.join(comma) + close
    const line = `\n${level.repeat(depth + 1)}`
    return `${open}${line}${items.join(comma + line)}\n${level.repeat(depth)}${close}`
  }
  const write = (item: Value, depth: number): string => {
    const inner = item.value
    if (typeof inner === 'string') return text(inner)
    if (typeof inner === 'boolean') return String(inner)
    if (typeof inner === 'number') return textOf(item)
    if (isList(inner))
      return enclosed(
        '[',
        inner.map(each => write(each, depth + 1)),
        depth,
        ']',
      )
    if (isTable(inner)) {
      const entries = sorted
        ? [...inner].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        : [...inner]
      return enclosed(
        '{',
        entries.map(([key, each]) => text(key) + colon + write(each, depth + 1)),
        depth,
        '}',
      )
    }
    if (inner === null || inner === undefined) return 'null'
    throw new Error(`A ${item.type} cannot be written as JSON.`)
  }
  return write(value, 0)
}
