import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager'
import { BaseLLM, type BaseLLMParams } from '@langchain/core/language_models/llms'
import { GenerationChunk, type LLMResult } from '@langchain/core/outputs'
import { streamEvents } from '../streamEvents.ts'
import { type StatePackModelFields, settingsOf, type Usage } from './fields.ts'

interface Completion {
  readonly choices: readonly { text: string; finish_reason: string | null }[]
  readonly usage?: Usage
  readonly state?: string
}

/** A model that goes on with a text. `generationInfo` says what was read and what was spared, and the state it led to. */
export class StatePackCompletion extends BaseLLM {
  readonly #fields: StatePackModelFields

  constructor(fields: StatePackModelFields & BaseLLMParams) {
    super(fields)
    this.#fields = fields
  }

  _llmType(): string {
    return 'statepack'
  }

  async _generate(prompts: string[], options: this['ParsedCallOptions']): Promise<LLMResult> {
    const { signal } = options
    const generations: LLMResult['generations'] = []
    for (const prompt of prompts) {
      const body = { ...settingsOf(this.#fields, options), prompt }
      const answered = await this.#fields.server.request('/v1/completions', body, { signal })
      const { choices, usage, state } = answered as Completion
      generations.push(
        choices.map(({ text, finish_reason }) => ({ text, generationInfo: { finish_reason, usage, state } })),
      )
    }
    return { generations }
  }

  override async *_streamResponseChunks(
    prompt: string,
    options: this['ParsedCallOptions'],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<GenerationChunk> {
    const body = { ...settingsOf(this.#fields, options), prompt, stream: true, stream_options: { include_usage: true } }
    const { signal } = options
    for await (const { data } of streamEvents(this.#fields.server, { path: '/v1/completions', body, signal })) {
      if (typeof data !== 'object' || data === null) continue
      const { choices, usage, state } = data as Completion
      const text = choices[0]?.text ?? ''
      const generationInfo = { ...(usage && { usage }), ...(state && { state }) }
      yield new GenerationChunk({ text, generationInfo })
      if (text !== '') await run?.handleLLMNewToken(text)
    }
  }
}
