import { StatePackError } from '#shared/domain/error.ts'
import type { Tool, ToolChoice } from '#shared/domain/tool.ts'
import { NOTHING } from '../../models/tokenizer/templateTools.ts'
import type { ToolForm } from '../../models/tokenizer/toolForm.ts'
import { literal, speltBytes } from './byteSpelling.ts'
import { addSchema, grammarOf } from './schemaGrammar.ts'

export interface ToolGrammarInput {
  readonly form: ToolForm
  readonly tools: readonly Tool[]
  readonly choice: ToolChoice
  /** What an answer that calls no tool follows; absent: it is any text. */
  readonly jsonSchema?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Answers of a model that has tools, as an EBNF grammar: a call whose arguments follow the schema of its tool, or (where the
 * choice is the model's) any text, which ends in a call as soon as it announces one. Throws what a schema is refused for,
 * with the tool's name; `E_BAD_INPUT` for the choice of a tool that there is not.
 */
export function toolGrammar({ form, tools, choice, jsonSchema }: ToolGrammarInput): string {
  const chosen = typeof choice === 'string' ? tools : tools.filter(({ name }) => name === choice.name)
  if (chosen.length === 0) {
    const message = 'The tool that is to be called is none of the tools.'
    throw new StatePackError('E_BAD_INPUT', message, { field: 'tool_choice' })
  }
  if (jsonSchema !== undefined && form.tag === null && choice === 'auto') {
    const message =
      'This model announces a call by JSON alone, which an answer in JSON could be taken for: choose “none” or “required”.'
    throw new StatePackError('E_NOT_SUPPORTED', message, { field: 'tool_choice' })
  }
  return grammarOf(rules => {
    const free = () => {
      if (jsonSchema !== undefined) addSchema(jsonSchema, 'answer', rules)
      else rules.push(...textWithout(form))
      return 'answer'
    }
    const called = () => {
      const ways = chosen.map((tool, i) => {
        addArguments(tool, `tool${i}`, rules)
        return `${literal(tool.name + form.middle)} tool${i}`
      })
      rules.push(`call ::= ${literal(form.open)} (${ways.join(' | ')}) ${literal(form.close)}`)
      return 'call'
    }
    const text =
      form.tag !== null && jsonSchema === undefined ? () => `${free()} (${called()})?` : () => `${free()} | ${called()}`
    const root = choice === 'none' ? free() : choice === 'auto' ? text() : called()
    rules.push(`root ::= ${root}`)
  })
}

function addArguments({ name, parameters: told = NOTHING }: Tool, rule: string, rules: string[]): void {
  // An object that names no property, and does not say that it has any, has none: so tools without arguments are told of.
  const parameters = { ...told, ...(isBare(told) ? { additionalProperties: false } : {}) }
  try {
    if ('type' in parameters && parameters.type !== 'object')
      throw new StatePackError('E_BAD_INPUT', 'The arguments of a tool are an object.', { field: 'parameters' })
    addSchema(
      'type' in parameters || '$ref' in parameters ? parameters : { ...parameters, type: 'object' },
      rule,
      rules,
    )
  } catch (thrown) {
    if (!(thrown instanceof StatePackError)) throw thrown
    const { code, message, details } = thrown
    throw new StatePackError(code, `Tool “${name}”: ${message}`, { ...details, tool: name }, thrown)
  }
}

function isBare({ properties, additionalProperties }: Readonly<Record<string, unknown>>): boolean {
  return JSON.stringify(properties) === '{}' && additionalProperties === undefined
}

/** Texts that announce no call: what a call begins with stands nowhere in them, or not at their beginning. */
function textWithout({ open, tag }: ToolForm): string[] {
  const [first = '', ...rest] = Array.from(speltBytes(Buffer.from(tag ?? open)))
  if (tag !== null && rest.includes(first)) {
    const message = 'This model announces calls in a way that is not supported.'
    throw new StatePackError('E_NOT_SUPPORTED', message, { field: 'tools' })
  }
  // After its first character it goes on otherwise, at each place that it may.
  const other = tag === null ? 'other_any' : 'other_more'
  const parts = rest.map((character, i) => {
    const next = i === rest.length - 1 ? '' : ` | ${exactly(character)} other${i + 1}`
    const excluded = tag === null ? [character] : [character, first]
    return `other${i} ::= "" | ${except(excluded)} ${other}${next}`
  })
  return [
    tag === null
      ? `answer ::= "" | ${except([first])} other_any | ${exactly(first)} other0`
      : `answer ::= other_more (${exactly(first)} other0)*`,
    'other_any ::= [\\x01-\\x7f]*',
    `other_more ::= ${except([first])}*`,
    ...parts,
  ]
}

const escaped = (character: string) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
const exactly = (character: string) => `"${escaped(character)}"`
const except = (characters: readonly string[]) => `[^${[...new Set(characters)].map(escaped).join('')}]`
