import { Environment, Interpreter } from '@huggingface/jinja'
import { FILTERS, list, ownTest } from './templateFilters.ts'
import { bound, LoopControl, loopValue } from './templateLoops.ts'
import {
  calledName,
  filtering,
  given,
  isGiven,
  type Node,
  nameOf,
  type Parts,
  partsOf,
  renamed,
} from './templateNodes.ts'
import { STRING_METHODS } from './templateStrings.ts'
import { isTable, operate, sizeOf, textOf, toValue, type Value } from './templateValues.ts'

/** Steps of the interpreter and turns of its loops, plus one for so many characters or items of the value of a step. */
const BUDGET = 500_000
const CHARACTERS = 4096
const ITEMS = 8
/** A longer text or list is refused at once: no prompt has one. */
const LONGEST_TEXT = 8 << 20
export const LONGEST_LIST = 1 << 20

const TEXT_FILTERS = new Set(['upper', 'lower', 'title', 'capitalize', 'trim', 'indent', 'replace', 'string', 'join'])
const LIST_FILTERS = new Set(
  'list length first last reverse sort unique map select reject selectattr rejectattr items dictsort sum max min'.split(
    ' ',
  ),
)
/** Filters that Jinja applies to a string as to the list of its characters. */
const CHARACTER_FILTERS = new Set(['list', 'first', 'last'])

/**
 * The library's interpreter with Python's meaning of what it prints, compares and loops over. Filters and loops take an
 * undefined value as an empty one; a budget, counted rather than timed, ends what loops or grows without end.
 */
export class TemplateInterpreter extends Interpreter {
  #left = BUDGET

  override evaluate(node: Node, environment: Environment): Value {
    if (isGiven(node)) return node.given
    const own = node === undefined ? null : this.#own(partsOf(node), environment)
    const value = own ?? super.evaluate(node, environment)
    this.#spend(value)
    return value
  }

  /** null: as the library does. */
  #own(node: Parts, environment: Environment): Value | null {
    switch (node.type) {
      case 'Program':
        return toValue(this.#block(node.body, environment))
      case 'Output':
        return toValue(textOf(this.#weighed(this.evaluate(node.expression, environment))))
      case 'If': {
        const holds = this.evaluate(node.test, environment).__bool__().value
        return toValue(this.#block(holds ? node.body : node.alternate, environment))
      }
      case 'For':
        return toValue(this.#loop(node, environment))
      case 'Break':
      case 'Continue':
        throw new LoopControl(node.type)
      case 'Macro':
        return this.#macro(node, environment)
      case 'FilterExpression':
        return this.#filter(node, environment)
      case 'TestExpression': {
        const operand = this.evaluate(node.operand, environment)
        return toValue(this.#test(node.test.value ?? '', operand, [], environment) !== node.negate)
      }
      case 'BinaryExpression':
        return this.#operate(node, environment)
      case 'MemberExpression':
        return this.#member(node, environment)
      case 'CallExpression':
        return this.#call(node, environment)
      default:
        return null
    }
  }

  /** The library's own evaluation of a node whose operands are known. */
  #library(node: Parts, change: Partial<Parts>, environment: Environment): Value {
    return super.evaluate({ ...node, ...change } as unknown as Node, environment)
  }

  #block(statements: readonly Node[], environment: Environment): string {
    let text = ''
    for (const statement of statements) {
      try {
        const { value } = this.evaluate(statement, environment)
        if (typeof value === 'string') text += value
      } catch (thrown) {
        if (thrown instanceof LoopControl) thrown.said = text + thrown.said
        throw thrown
      }
    }
    return text
  }

  /** Every turn has names of its own: what one sets, the next does not know. */
  #loop({ loopvar, iterable, body, defaultBlock }: Parts, environment: Environment): string {
    const select = iterable?.type === 'SelectExpression' ? partsOf(iterable) : null
    const all = this.#items(this.evaluate(select?.lhs ?? iterable, environment))
    this.#take(all.length, false)
    const items = all.filter(
      item => select === null || this.evaluate(select.test, bound(loopvar, item, environment)).__bool__().value,
    )
    let text = ''
    let whole = false
    for (const [place, item] of items.entries()) {
      const scope = bound(loopvar, item, environment)
      scope.setVariable('loop', loopValue(items, place))
      try {
        text += this.#block(body, scope)
        whole = true
      } catch (thrown) {
        if (!(thrown instanceof LoopControl)) throw thrown
        text += thrown.said
        if (thrown.kind === 'Break') break
      }
    }
    // As Jinja has it: also when every turn was cut short.
    return whole ? text : text + this.#block(defaultBlock, environment)
  }

  /** A macro knows the names around it, not those around its call. */
  #macro(node: Parts, environment: Environment): Value {
    const nothing = this.#library(node, {}, environment)
    const made = environment.lookupVariable(node.name.value)
    if (typeof made.value === 'function') {
      const call: (args: Value[], scope: Environment) => Value = made.value
      const around = (scope: Environment) => {
        const caller = scope.variables.get('caller')
        if (caller === undefined) return environment
        const within = new Environment(environment)
        within.setVariable('caller', caller)
        return within
      }
      Object.assign(made, { value: (args: Value[], scope: Environment) => call(args, around(scope)) })
    }
    return nothing
  }

  #operate(node: Parts, environment: Environment): Value | null {
    const operator = node.operator.value
    if (operator === 'and' || operator === 'or') return null
    const left = this.#weighed(this.evaluate(node.left, environment))
    const right = this.#weighed(this.evaluate(node.right, environment))
    return (
      operate(operator, left, right) ?? this.#library(node, { left: given(left), right: given(right) }, environment)
    )
  }

  #member(node: Parts, environment: Environment): Value | null {
    const object = this.evaluate(node.object, environment)
    const name = node.property.value
    const method = typeof name === 'string' && Object.hasOwn(STRING_METHODS, name) ? STRING_METHODS[name] : undefined
    const text = object.value
    if (!node.computed && typeof text === 'string') {
      if (name === 'join') return toValue((items: Value[]) => items.map(textOf).join(text))
      if (method !== undefined) return toValue((...args: readonly unknown[]) => method(text, ...args))
    }
    if (node.computed && typeof text === 'string' && node.property.type !== 'SliceExpression') {
      const place = this.evaluate(node.property as Node, environment).value
      if (typeof place === 'number') return toValue(Array.from(text).at(place))
    }
    if (node.computed && isTable(object.value) && node.property.type !== 'SliceExpression') {
      // No table of a conversation has such a key: in Python, too, nothing is found under it.
      if (typeof this.evaluate(node.property as Node, environment).value !== 'string') return toValue(undefined)
    }
    return this.#library(node, { object: given(object) }, environment)
  }

  /** What the template calls and nobody has is refused by its name. */
  #call(node: Parts, environment: Environment): Value {
    const callee = this.evaluate(node.callee, environment)
    if (callee.type === 'UndefinedValue')
      throw new Error(`it calls ${calledName(node.callee)}(), which is not supported`)
    return this.#library(node, { callee: given(callee) }, environment)
  }

  /** Filters get their operand evaluated, and made what Jinja takes it for. */
  #filter(node: Parts, environment: Environment): Value {
    const { filter } = node
    const operand = this.#weighed(this.evaluate(node.operand, environment))
    const name = nameOf(filter)
    if (name === 'default' && filter.type === 'Identifier') {
      return operand.type === 'UndefinedValue' ? toValue('') : operand
    }
    const taken = this.#takenAs(operand, name)
    if ((name === 'first' || name === 'last') && Array.isArray(taken.value) && taken.value.length === 0)
      return toValue(undefined)
    const own = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined
    return (
      own?.({ operand: taken, ...this.#called(filter.args ?? [], environment) }) ??
      this.#library(node, { operand: given(taken), filter: renamed(filter, name) }, environment)
    )
  }

  #called(args: NonNullable<Parts['filter']['args']>, environment: Environment) {
    const positional = args.filter(({ key }) => key === undefined)
    const named = args.flatMap(({ key, value }) => {
      return key === undefined ? [] : [[key.value, this.evaluate(value as Node, environment)] as const]
    })
    return {
      args: positional.map(argument => this.evaluate(argument as Node, environment)),
      named: new Map(named),
      items: (value: Value) => this.#items(value),
      test: (name: string, value: Value, others: readonly Value[]) => this.#test(name, value, others, environment),
      apply: (name: string, value: Value, others: readonly Value[]) =>
        this.evaluate(filtering(value, name, others), environment),
    }
  }

  #test(name: string, operand: Value, args: readonly Value[], environment: Environment): boolean {
    const own = ownTest(name, operand, args)
    if (own !== null) return own
    if (args.length > 0) throw new Error(`Unknown test with arguments: ${name}`)
    const node = { type: 'TestExpression', operand: given(operand), test: { value: name }, negate: false }
    return super.evaluate(node as Node, environment).value === true
  }

  #takenAs(operand: Value, filter: string): Value {
    if (operand.type === 'NullValue') {
      // Jinja would stop at them; what a conversation has none of (tools, documents) is given as None.
      if (LIST_FILTERS.has(filter) || filter === 'join') return toValue([])
      if (TEXT_FILTERS.has(filter)) return toValue('None')
    }
    if (operand.type === 'UndefinedValue') {
      if (TEXT_FILTERS.has(filter)) return toValue('')
      if (LIST_FILTERS.has(filter)) return toValue([])
      if (filter === 'int' || filter === 'float') return toValue(0)
    }
    return CHARACTER_FILTERS.has(filter) ? list(this.#items(operand)) : operand
  }

  /** What a loop goes over: nothing for an undefined value, the characters of a string, the keys of a table. */
  #items({ type, value }: Value): readonly Value[] {
    if (type === 'UndefinedValue') return []
    if (typeof value === 'string') return Array.from(value, toValue)
    if (Array.isArray(value)) return value
    if (isTable(value)) return Array.from(value.keys(), toValue)
    throw new Error(`A ${type} cannot be looped over.`)
  }

  /** A list may hold itself many times over: what goes through all of it counts all of it. */
  #weighed(value: Value): Value {
    if (Array.isArray(value.value) || isTable(value.value)) {
      this.#take(Math.floor(sizeOf(value, ITEMS * BUDGET) / ITEMS), false)
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
