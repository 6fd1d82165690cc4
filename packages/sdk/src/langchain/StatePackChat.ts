import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager'
import type { BaseLanguageModelInput } from '@langchain/core/language_models/base'
import {
  BaseChatModel,
  type BaseChatModelParams,
  type BindToolsInput,
} from '@langchain/core/language_models/chat_models'
import { AIMessage, AIMessageChunk, type BaseMessage, type UsageMetadata } from '@langchain/core/messages'
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs'
import type { Runnable } from '@langchain/core/runnables'
import { type StatePackModelFields, settingsOf, streamChunks, type Usage } from './fields.ts'
import { saidOf } from './messageParts.ts'
import { callsOf, type ServerCall, type StatePackChatOptions, toolFields } from './tools.ts'

interface Completion {
  readonly model: string
  readonly choices: readonly {
    message: { content: string | null; tool_calls?: readonly ServerCall[] }
    finish_reason: string
  }[]
  readonly usage: Usage
  readonly state: string
}

interface CompletionChunk {
  readonly choices: readonly {
    delta: {
      content?: string
      tool_calls?: readonly { index: number; id?: string; function: { name?: string; arguments: string } }[]
    }
    finish_reason: string | null
  }[]
  readonly usage?: Usage
  readonly state?: string
}

const PATH = '/v1/chat/completions'

/**
 * A chat model. The whole conversation is given each time, as LangChain does; what was read before is not read again, and
 * `usage_metadata.input_token_details.cache_read` says how much that was. `response_metadata.state` is the state of the
 * conversation with its answer.
 */
export class StatePackChat extends BaseChatModel<StatePackChatOptions> {
  readonly #fields: StatePackModelFields

  constructor(fields: StatePackModelFields & BaseChatModelParams) {
    super(fields)
    this.#fields = fields
  }

  _llmType(): string {
    return 'statepack'
  }

  /** The same model with tools that it may call. `tool_choice` (`auto`, `any`, `none`, a name) says whether it does. */
  override bindTools(
    tools: BindToolsInput[],
    options: Partial<StatePackChatOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, StatePackChatOptions> {
    return this.withConfig({ ...options, tools })
  }

  async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const body = { ...settingsOf(this.#fields, options), ...toolFields(options), messages: messages.map(saidOf) }
    const answered = await this.#fields.server.request(PATH, body, { signal: options.signal })
    const { choices, usage, model, state } = answered as Completion
    const [choice] = choices
    const text = choice?.message.content ?? ''
    const message = new AIMessage({
      content: text,
      ...callsOf(choice?.message.tool_calls),
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
    const asked = { path: PATH, body: { ...toolFields(options), messages: messages.map(saidOf) } }
    for await (const { choices, usage, state } of streamChunks<CompletionChunk>(this.#fields, asked, options)) {
      const [choice] = choices
      const text = choice?.delta.content ?? ''
      const message = new AIMessageChunk({
        content: text,
        tool_call_chunks: (choice?.delta.tool_calls ?? []).map(({ index, id, function: { name, arguments: args } }) => {
          return { type: 'tool_call_chunk' as const, index, id, name, args }
        }),
        ...(usage === undefined ? {} : { usage_metadata: usageOf(usage) }),
        response_metadata: state === undefined ? {} : { state, finish_reason: choice?.finish_reason },
      })
      yield new ChatGenerationChunk({ text, message })
      if (text !== '') await run?.handleLLMNewToken(text)
    }
  }
}

function usageOf({ prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details }: Usage): UsageMetadata {
  return {
    ...{ input_tokens: prompt_tokens, output_tokens: completion_tokens, total_tokens },
    input_token_details: { cache_read: prompt_tokens_details.cached_tokens },
  }
}
