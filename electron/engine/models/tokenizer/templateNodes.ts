/** The nodes of a template that are evaluated otherwise than the library does, as it builds them. */
import type { Interpreter } from '@huggingface/jinja'
import type { Value } from './templateValues.ts'

export type Node = Parameters<Interpreter['evaluate']>[0]

/** A value in the place of an expression, which is thereby evaluated once. */
export interface Given {
  readonly type: 'Given'
  readonly given: Value
}

/** An expression that stands for itself in the text. */
export interface Output {
  readonly type: 'Output'
  readonly expression: Node
}

export interface Filter {
  readonly type: string
  readonly value?: unknown
  readonly callee?: { readonly value?: unknown }
  readonly args?: readonly Argument[]
}

/** `key` and `value` where it has a name. */
interface Argument {
  readonly type: string
  readonly key?: { readonly value: string }
  readonly value?: unknown
}

export interface Target {
  readonly type: string
  /** A name, or the targets of a tuple. */
  readonly value: string | readonly Target[]
}

/** What a node may have; which it has, its type says. */
export interface Parts {
  readonly type: string
  readonly expression: Node
  readonly operand: Node
  readonly callee: Node
  readonly filter: Filter
  readonly object: Node
  readonly property: { readonly type: string; readonly value: unknown }
  readonly computed: boolean
  readonly operator: { readonly value: string }
  readonly left: Node
  readonly right: Node
  readonly test: Node & { readonly value?: string }
  readonly negate: boolean
  readonly lhs: Node
  readonly loopvar: Target
  readonly iterable: Node
  readonly name: { readonly value: string }
  readonly body: readonly Node[]
  readonly alternate: readonly Node[]
  readonly defaultBlock: readonly Node[]
}

export function partsOf(node: NonNullable<Node>): Parts {
  return node as unknown as Parts
}

export function given(value: Value): Node & Given {
  return { type: 'Given', given: value }
}

export function isGiven(node: Node): node is Node & Given {
  return node?.type === 'Given'
}

const STATEMENTS = new Set(
  'Program If For Break Continue Set Macro Comment FilterStatement CallStatement Output'.split(' '),
)

/** Marks the expressions that stand for themselves in the text, at every depth, so that they are told from all others. */
export function markOutputs(node: NonNullable<Node>): void {
  const parts = node as unknown as Record<string, unknown>
  for (const key of ['body', 'alternate', 'defaultBlock']) {
    const statements: unknown = parts[key]
    if (!Array.isArray(statements)) continue
    parts[key] = statements.map((statement: NonNullable<Node>) => {
      if (!STATEMENTS.has(statement.type)) return { type: 'Output', expression: statement } satisfies Output
      markOutputs(statement)
      return statement
    })
  }
}

const SYNONYMS: Readonly<Record<string, string>> = { count: 'length', d: 'default' }

export function nameOf({ type, value, callee }: Filter): string {
  const name = String(type === 'Identifier' ? value : callee?.value)
  return SYNONYMS[name] ?? name
}

/** The last name of what is called: of `loop.changed(x)` it is `changed`. */
export function calledName(callee: Node): string {
  const parts: Partial<Parts> & { readonly value?: unknown } = callee === undefined ? {} : partsOf(callee)
  const name = parts.type === 'MemberExpression' && !parts.computed ? parts.property?.value : parts.value
  return typeof name === 'string' ? name : 'a value'
}

export function renamed(filter: Filter, name: string): Filter {
  return filter.type === 'Identifier'
    ? { ...filter, value: name }
    : { ...filter, callee: { ...filter.callee, value: name } }
}

/** A call of a filter by name. The library takes one without arguments for a plain name only. */
export function filtering(operand: Value, name: string, args: readonly Value[]): Node {
  const callee = { type: 'Identifier', value: name }
  const filter = args.length === 0 ? callee : { type: 'CallExpression', callee, args: args.map(given) }
  return { type: 'FilterExpression', operand: given(operand), filter } as Node
}
