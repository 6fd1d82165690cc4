/** Chat templates as Jinja in Python runs them, on the library's parser and interpreter. */
import { Environment, parse, tokenize } from '@huggingface/jinja'
import { LONGEST_LIST, TemplateInterpreter } from './templateInterpreter.ts'
import { markOutputs } from './templateNodes.ts'

export interface Template {
  /** Throws an Error in the template's own words, or about what it does that cannot be done. */
  render(values: Readonly<Record<string, unknown>>): string
}

/** Reads a template; throws what the library says is wrong with it. */
export function readTemplate(source: string): Template {
  // Jinja makes every end of a line the same before it reads.
  const lines = source.replaceAll(/\r\n?/g, '\n')
  const program = parse(tokenize(lines, { lstrip_blocks: true, trim_blocks: true }))
  markOutputs(program)
  return {
    render(values) {
      const environment = new Environment()
      const globals = { true: true, false: false, none: null, True: true, False: false, None: null, range, ...values }
      environment.set('raise_exception', (message: string) => {
        throw new Error(message)
      })
      for (const [name, value] of Object.entries(globals)) environment.set(name, value)
      const { value } = new TemplateInterpreter(environment).run(program)
      if (typeof value !== 'string') throw new Error('It gives no text.')
      return value
    },
  }
}

/** Python's range, as far as a template can use it. */
function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop]
  if (step === 0) throw new Error('range() arg 3 must not be zero')
  const length = Math.max(0, Math.ceil((to - from) / step))
  if (!(length <= LONGEST_LIST)) throw new Error(`range() of ${length} numbers`)
  return Array.from({ length }, (_, i) => from + i * step)
}
