import type { CallPart } from '#shared/domain/tool.ts'
import { callIn } from './callIn.ts'
import type { ToolForm } from './toolForm.ts'

/** Takes an answer apart as it comes: what is said before a call, then its name, then its arguments piece by piece. */
export interface CallWatch {
  push(piece: string): void
  end(piece: string): void
  /** A call has been announced: all that follows is its own. */
  readonly isCalling: boolean
}

/** What could still become the form's own text is held back. */
export function watchForCall(form: ToolForm, tell: (text: string, of?: CallPart) => void): CallWatch {
  const { open, close, tag } = form
  const mark = tag ?? open
  let answer = ''
  let [saidTo, writtenTo] = [0, 0]
  let [isCalling, isNamed] = [false, false]

  const follow = (isEnd: boolean) => {
    const at = tag === null ? (answer.startsWith(mark) ? 0 : -1) : answer.indexOf(mark)
    isCalling ||= at >= 0
    const { call } = callIn(form, answer)
    const said = at >= 0 ? at : answer.length - (isEnd ? 0 : begun(answer, mark, tag === null))
    // A call that was cut before its name is only what was written of it.
    const shownTo = isEnd && call === null ? answer.length : said
    if (shownTo > saidTo) tell(answer.slice(saidTo, shownTo))
    saidTo = Math.max(saidTo, shownTo)
    if (call === null) return
    if (!isNamed) tell(call.name, 'name')
    isNamed = true
    // Its last characters may be those that close it.
    const known = call.arguments.length - (isEnd || call.isWhole ? 0 : close.length)
    const writes = call.arguments.slice(0, Math.max(0, known))
    if (writes.length > writtenTo) tell(writes.slice(writtenTo), 'arguments')
    writtenTo = Math.max(writtenTo, writes.length)
  }
  return {
    push(piece) {
      answer += piece
      if (piece !== '') follow(false)
    },
    end(piece) {
      answer += piece
      follow(true)
    },
    get isCalling() {
      return isCalling
    },
  }
}

/** Characters at the end of an answer that a mark could begin with; only the whole answer, where it must stand first. */
function begun(answer: string, mark: string, first: boolean): number {
  for (let length = Math.min(mark.length - 1, answer.length); length > 0; length--) {
    if (first && length !== answer.length) return 0
    if (answer.endsWith(mark.slice(0, length))) return length
  }
  return 0
}
