import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager'
import { BaseChatModel, type BaseChatModelParams } from '@langchain/core/language_models/chat_models'
import { AIMessage, AIMessageChunk, type BaseMessage, type UsageMetadata } from '@langchain/core/messages'
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs'
import { type StatePackModelFields, settingsOf, streamChunks, type Usage } from './fields.ts'
import { roleOf, textOf } from './messageParts.ts'

interface Completion {
  readonly model: string
  readonly choices: readonly { message: { content: string }; finish_reason: string }[]
  readonly usage: Usage
  readonly state: string
}

interface CompletionChunk {
  readonly choices: readonly { delta: { content?: string }; finish_reason: string | null }[]
  readonly usage?: Usage
  readonly state?: string
}

const PATH = '/v1/chat/completions'

/**
 * A chat model. The whole conversation is given each time, as LangChain does; what was read before is not read again, and
 * `usage_metadata.input_token_details.cache_read` says how much that was. `response_metadata.state` is the state of the
 * conversation with its answer.
 */
export class StatePackChat extends BaseChatModel {
  readonly #fields: StatePackModelFields

  constructor(fields: StatePackModelFields & BaseChatModelParams) {
    super(fields)
    this.#fields = fields
  }

  _llmType(): string {
    return 'statepack'
  }

  async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const body = { ...settingsOf(this.#fields, options), messages: said(messages) }
    const answered = await this.#fields.server.request(PATH, body, { signal: options.signal })
    const { choices, usage, model, state } = answered as Completion
    const [choice] = choices
    const text = choice?.message.content ?? ''
    const message = new AIMessage({
      content: text,
      usage_metadata: usageOf(usage),
      response_metadata: { model_name: model, finish_reason: choice?.finish_reason, state },
    })
    return { generations: [{ text, message }] }
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const asked = { path: PATH, body: { messages: said(messages) } }
    for await (const { choices, usage, state } of streamChunks<CompletionChunk>(this.#fields, asked, options)) {
      const [choice] = choices
      const text = choice?.delta.content ?? ''
      const message = new AIMessageChunk({
        content: text,
        ...(usage === undefined ? {} : { usage_metadata: usageOf(usage) }),
        response_metadata: state === undefined ? {} : { state, finish_reason: choice?.finish_reason },
      })
      yield new ChatGenerationChunk({ text, message })
      if (text !== '') await run?.handleLLMNewToken(text)
    }
  }
}

function said(messages: readonly BaseMessage[]) {
  return messages.map(message => ({ role: roleOf(message), content: textOf(message) }))
}

function usageOf({ prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details }: Usage): UsageMetadata {
  return {
    ...{ input_tokens: prompt_tokens, output_tokens: completion_tokens, total_tokens },
    input_token_details: { cache_read: prompt_tokens_details.cached_tokens },
  }
}
