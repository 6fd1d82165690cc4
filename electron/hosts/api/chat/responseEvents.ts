import type { CallPart } from '#shared/domain/tool.ts'
import type { Answered } from './answer.ts'
import { callItem, messageItem, type Response, type ResponseIds, responseView, type Told } from './response.ts'

/** The events of a streamed response, in the order that clients expect. */
export function responseEvents(request: Told, ids: ResponseIds, emit: (type: string, more: object) => void) {
  const part = (text: string) => ({ type: 'output_text', text, annotations: [] })
  let isBegun = false
  /** The place of the item that is being written, and what it is. */
  let writing: 'message' | 'call' | null = null
  let place = -1
  let text = ''
  const at = () => ({ item_id: writing === 'call' ? ids.call : ids.message, output_index: place })
  const begin = () => {
    if (isBegun) return
    isBegun = true
    const response = responseView(request, ids, null)
    emit('response.created', { response })
    emit('response.in_progress', { response })
  }
  const add = (kind: 'message' | 'call', item: object) => {
    begin()
    writing = kind
    emit('response.output_item.added', { output_index: ++place, item })
  }
  const addMessage = () => {
    if (writing === 'message') return
    add('message', messageItem(ids.message, null))
    emit('response.content_part.added', { ...at(), content_index: 0, part: part('') })
  }
  const endMessage = (answered: Pick<Answered, 'text' | 'isWhole'>) => {
    if (writing !== 'message') return
    emit('response.output_text.done', { ...at(), content_index: 0, text: answered.text, logprobs: [] })
    emit('response.content_part.done', { ...at(), content_index: 0, part: part(answered.text) })
    emit('response.output_item.done', { output_index: place, item: messageItem(ids.message, answered) })
  }
  return {
    piece(delta: string, of?: CallPart) {
      if (of === 'name') {
        // What is said before a call ends with it.
        endMessage({ text, isWhole: true })
        add('call', callItem(ids, { name: delta }))
        return
      }
      if (of === 'arguments') {
        emit('response.function_call_arguments.delta', { ...at(), delta })
        return
      }
      addMessage()
      text += delta
      emit('response.output_text.delta', { ...at(), content_index: 0, delta, logprobs: [] })
    },
    end(answered: Answered, response: Response) {
      const { toolCall } = answered
      if (toolCall === null) {
        addMessage()
        endMessage(answered)
      } else {
        const { name, arguments: given } = toolCall
        emit('response.function_call_arguments.done', { ...at(), name, arguments: given })
        emit('response.output_item.done', { output_index: place, item: callItem(ids, toolCall) })
      }
      emit(answered.isWhole ? 'response.completed' : 'response.incomplete', { response })
    },
  }
}
