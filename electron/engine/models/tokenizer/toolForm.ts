import { StatePackError } from '#shared/domain/error.ts'
import type { ChatMessage, ChatOptions } from './chat.ts'
import { PLAIN_CALL } from './plainTools.ts'
import type { Tokenizer } from './tokenizer.ts'

/** How a model is told of tools, and how it writes a call: `open` name `middle` arguments (JSON) `close`. */
export interface ToolForm {
  readonly open: string
  readonly middle: string
  readonly close: string
  /** What `open` begins with where it announces a call wherever it stands; null: a call is the whole answer. */
  readonly tag: string | null
  /** `template`: the chat template writes tools and calls itself; else they are put into messages there. */
  readonly place: 'template' | 'system' | 'user'
}

/**
 * Added tokens that an answer with tools may hold, and their texts: control tokens only where calls are written with them.
 * Absent otherwise, so that no answer forges the end of its turn.
 */
export function writable(
  { bytesOf, decode, specialIds, vocabSize }: Tokenizer,
  { open, middle, close }: ToolForm,
  stopIds: readonly number[],
): ReadonlyMap<number, string> {
  const control = new Set(specialIds)
  const written = [open, middle, close].join(' ')
  const ids = Array.from({ length: vocabSize }, (_, id) => id)
  return new Map(
    ids
      .filter(id => bytesOf?.(id) === null && !stopIds.includes(id))
      .map(id => [id, decode([id])] as const)
      .filter(([id, text]) => !control.has(id) || (text !== '' && written.includes(text))),
  )
}

type Render = (messages: readonly ChatMessage[], options: ChatOptions) => string

/** Words that stand in no template. */
const [NAME, ABOUT, KEY, VALUE] = ['zqname', 'zqabout', 'zqkey', 'zqvalue']
const TOOL = {
  name: NAME,
  description: ABOUT,
  parameters: { type: 'object', properties: { [KEY]: { type: 'string', description: 'text' } }, required: [KEY] },
}
const ASKED = { role: 'user', content: 'zqasked' }
const ARGUMENTS = new RegExp(`\\{\\s*"${KEY}"\\s*:\\s*"${VALUE}"\\s*\\}`)
/** In angle or square brackets, as `<tool_call>` and `[TOOL_CALLS]` are. */
const TAG = /^(<[^<>\s]+>|\[[A-Z_]+\])/
/** What models that think write before an answer. */
const THOUGHT = /^<think>[^<]*<\/think>\s*/

/**
 * The form in which a chat template writes tools and their calls, found by having it write some: the whole of a tool must
 * come out, and a call as a name and JSON. A template that does not write them so is told of tools in messages.
 */
export function findToolForm(render: Render): ToolForm {
  return templateForm(render) ?? { ...PLAIN_CALL, place: placeOf(render) }
}

function templateForm(render: Render): ToolForm | null {
  try {
    const tools = [TOOL]
    const asked = render([ASKED], { tools })
    if (![NAME, ABOUT, KEY].every(word => asked.includes(word))) return null
    const call = { name: NAME, arguments: JSON.stringify({ [KEY]: VALUE }) }
    const said = { addGenerationPrompt: false, tools }
    const called = render([ASKED, { role: 'assistant', content: '', toolCalls: [call] }], said)
    const after = render([ASKED, { role: 'assistant', content: VALUE }], said)
    const end = after.slice(after.lastIndexOf(VALUE) + VALUE.length)
    // What it gave must come out, too.
    const given = { role: 'tool', content: 'zqgiven', name: NAME }
    const answered = render([ASKED, { role: 'assistant', content: '', toolCalls: [call] }, given], { tools })
    if (!called.startsWith(asked) || !called.endsWith(end) || !answered.includes('zqgiven')) return null
    const written = called
      .slice(asked.length, called.length - end.length)
      .replace(THOUGHT, '')
      .trimStart()
    return formIn(written)
  } catch (thrown) {
    if (thrown instanceof StatePackError && thrown.code === 'E_TOKENIZER') return null
    throw thrown
  }
}

function formIn(written: string): ToolForm | null {
  const name = written.indexOf(NAME)
  const found = ARGUMENTS.exec(written)
  if (name < 1 || found === null || found.index < name) return null
  const open = written.slice(0, name)
  const [tag = null] = TAG.exec(open) ?? []
  if (tag === null && !open.startsWith('{')) return null
  return {
    ...{ open, middle: written.slice(name + NAME.length, found.index), tag },
    close: written.slice(found.index + found[0].length),
    place: 'template',
  }
}

/** Where a template keeps what the system says: first, and the same as a conversation goes on. */
function placeOf(render: Render): 'system' | 'user' {
  const system = { role: 'system', content: ABOUT }
  try {
    const first = render([system, ASKED], {})
    const later = render([system, ASKED, { role: 'assistant', content: VALUE }, { role: 'user', content: NAME }], {})
    const opening = first.slice(0, first.indexOf(ASKED.content))
    return opening.includes(ABOUT) && later.startsWith(opening) ? 'system' : 'user'
  } catch (thrown) {
    if (thrown instanceof StatePackError && thrown.code === 'E_TOKENIZER') return 'user'
    throw thrown
  }
}
