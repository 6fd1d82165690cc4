/** What a turn of a template's loop knows, and how it is cut short. */
import { Environment } from '@huggingface/jinja'
import type { Target } from './templateNodes.ts'
import { toValue, type Value } from './templateValues.ts'

/** `break` and `continue`, with what the turn had said until then. */
export class LoopControl extends Error {
  readonly kind: string
  said = ''

  constructor(kind: string) {
    super(`'${kind.toLowerCase()}' outside loop`)
    this.kind = kind
  }
}

/** A scope in which a loop's names stand for the parts of an item. */
export function bound(target: Target, item: Value, environment: Environment): Environment {
  const scope = new Environment(environment)
  const bind = ({ value: names }: Target, value: Value): void => {
    if (typeof names === 'string') {
      scope.setVariable(names, value)
      return
    }
    const parts: unknown = value.value
    if (!Array.isArray(parts)) throw new Error(`Cannot unpack a ${value.type}.`)
    if (parts.length !== names.length)
      throw new Error(`Too ${parts.length < names.length ? 'few' : 'many'} items to unpack.`)
    for (const [place, name] of names.entries()) bind(name, parts[place])
  }
  bind(target, item)
  return scope
}

/** `loop`, at one of the items. */
export function loopValue(items: readonly Value[], place: number): Value {
  const { length } = items
  const loop = toValue({
    ...{ index: place + 1, index0: place, revindex: length - place, revindex0: length - place - 1 },
    ...{ first: place === 0, last: place === length - 1, length },
    cycle: (...values: readonly unknown[]) => values[place % values.length],
  })
  if (loop.value instanceof Map) {
    loop.value.set('previtem', items[place - 1] ?? toValue(undefined))
    loop.value.set('nextitem', items[place + 1] ?? toValue(undefined))
  }
  return loop
}
