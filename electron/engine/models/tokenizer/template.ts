/**
 * Chat templates as Jinja in Python runs them, on the library's interpreter: filters and loops take an undefined value as an
 * empty one, and a budget, counted rather than timed, ends a template that loops or grows without end.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja'

type Node = Parameters<Interpreter['evaluate']>[0]
type Value = ReturnType<Interpreter['evaluate']>

export interface Template {
  /** Throws an Error in the template's own words, or about what it does that cannot be done. */
  render(values: Readonly<Record<string, unknown>>): string
}

/** Steps of the interpreter and turns of its loops, plus one for so many characters or items of the value of a step. */
const BUDGET = 500_000
const CHARACTERS = 4096
const ITEMS = 8
/** A longer text or list is refused at once: no prompt has one. */
const LONGEST_TEXT = 8 << 20
const LONGEST_LIST = 1 << 20

const TEXT_FILTERS = new Set(['upper', 'lower', 'title', 'capitalize', 'trim', 'indent', 'replace', 'string', 'join'])
const LIST_FILTERS = new Set(
  'list length first last reverse sort unique map select reject selectattr rejectattr items dictsort'.split(' '),
)
/** Filters that Jinja applies to a string as to the list of its characters. */
const CHARACTER_FILTERS = new Set(['list', 'first', 'last'])
const SYNONYMS: Readonly<Record<string, string>> = { count: 'length', d: 'default' }

/** Reads a template; throws what the library says is wrong with it. */
export function readTemplate(source: string): Template {
  const program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }))
  return {
    render(values) {
      const environment = new Environment()
      const globals = { true: true, false: false, none: null, True: true, False: false, None: null, range, ...values }
      environment.set('raise_exception', (message: string) => {
        throw new Error(message)
      })
      for (const [name, value] of Object.entries(globals)) environment.set(name, value)
      const { value } = new BudgetedInterpreter(environment).run(program)
      if (typeof value !== 'string') throw new Error('It gives no text.')
      return value
    },
  }
}

class BudgetedInterpreter extends Interpreter {
  #left = BUDGET

  override evaluate(node: Node, environment: Environment): Value {
    if (isGiven(node)) return node.given
    const value = super.evaluate(this.#prepared(node, environment), environment)
    this.#spend(value)
    return value
  }

  /** Filters and loops get their operand evaluated, and made what Jinja takes it for. */
  #prepared(node: Node, environment: Environment): Node {
    if (node?.type === 'FilterExpression' && 'operand' in node && 'filter' in node) {
      const filter = node.filter as Filter
      const operand = this.evaluate(node.operand as Node, environment)
      const name = nameOf(filter)
      if (name === 'default' && filter.type === 'Identifier') {
        return operand.type === 'UndefinedValue' ? literal('StringLiteral', '') : given(operand)
      }
      const taken = this.#takenAs(operand, name, environment)
      if ((name === 'first' || name === 'last') && Array.isArray(taken.value) && taken.value.length === 0)
        return undefined
      return { ...node, operand: given(taken), filter: renamed(filter, name) } as Node
    }
    if (node?.type === 'For' && 'iterable' in node) {
      const iterable = node.iterable as Node
      if (iterable?.type === 'SelectExpression' && 'lhs' in iterable) {
        const lhs = given(this.#loopOver(this.evaluate(iterable.lhs as Node, environment), environment))
        return { ...node, iterable: { ...iterable, lhs } } as Node
      }
      return { ...node, iterable: given(this.#loopOver(this.evaluate(iterable, environment), environment)) } as Node
    }
    return node
  }

  #takenAs(operand: Value, filter: string, environment: Environment): Value {
    if (operand.type === 'NullValue') {
      // Jinja would stop at them; what a conversation has none of (tools, documents) is given as None.
      if (LIST_FILTERS.has(filter) || filter === 'join') return super.evaluate(literal('ArrayLiteral', []), environment)
      if (TEXT_FILTERS.has(filter)) return super.evaluate(literal('StringLiteral', 'None'), environment)
    }
    if (operand.type === 'UndefinedValue') {
      if (TEXT_FILTERS.has(filter)) return super.evaluate(literal('StringLiteral', ''), environment)
      if (LIST_FILTERS.has(filter)) return super.evaluate(literal('ArrayLiteral', []), environment)
      if (filter === 'int' || filter === 'float') return super.evaluate(literal('IntegerLiteral', 0), environment)
    }
    return CHARACTER_FILTERS.has(filter) ? this.#listOf(operand, environment) : operand
  }

  /** What a loop goes over: nothing for an undefined value, the characters of a string, the keys of a table. */
  #loopOver(value: Value, environment: Environment): Value {
    const list = this.#listOf(value, environment)
    if (Array.isArray(list.value)) this.#take(list.value.length, false)
    return list
  }

  #listOf(value: Value, environment: Environment): Value {
    if (value.type === 'UndefinedValue') return super.evaluate(literal('ArrayLiteral', []), environment)
    if (typeof value.value === 'string') {
      const characters = Array.from(value.value, character => literal('StringLiteral', character))
      return super.evaluate(literal('ArrayLiteral', characters), environment)
    }
    if (value.value instanceof Map && value.type === 'ObjectValue') {
      const keys = Array.from(value.value.keys(), key => literal('StringLiteral', key))
      return super.evaluate(literal('ArrayLiteral', keys), environment)
    }
    return value
  }

  #spend({ value }: Value): void {
    if (typeof value === 'string') this.#take(1 + Math.floor(value.length / CHARACTERS), value.length > LONGEST_TEXT)
    else if (Array.isArray(value)) this.#take(1 + Math.floor(value.length / ITEMS), value.length > LONGEST_LIST)
    else this.#take(1, false)
  }

  #take(units: number, tooLarge: boolean): void {
    this.#left -= units
    if (tooLarge || this.#left < 0) {
      throw new Error('it does not come to an end, or grows beyond what any prompt needs')
    }
  }
}

/** A value in the place of an expression, which is thereby evaluated once. */
interface Given {
  readonly type: 'Given'
  readonly given: Value
}

interface Filter {
  readonly type: string
  readonly value?: unknown
  readonly callee?: { readonly value?: unknown }
}

function given(value: Value): Node & Given {
  return { type: 'Given', given: value }
}

function isGiven(node: Node): node is Node & Given {
  return node?.type === 'Given'
}

function literal(type: string, value: unknown): NonNullable<Node> {
  return { type, value } as NonNullable<Node>
}

function nameOf({ type, value, callee }: Filter): string {
  const name = String(type === 'Identifier' ? value : callee?.value)
  return SYNONYMS[name] ?? name
}

function renamed(filter: Filter, name: string): Filter {
  return filter.type === 'Identifier'
    ? { ...filter, value: name }
    : { ...filter, callee: { ...filter.callee, value: name } }
}

/** Python's range, as far as a template can use it. */
function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop]
  if (step === 0) throw new Error('range() arg 3 must not be zero')
  const length = Math.max(0, Math.ceil((to - from) / step))
  if (!(length <= LONGEST_LIST)) throw new Error(`range() of ${length} numbers`)
  return Array.from({ length }, (_, i) => from + i * step)
}
