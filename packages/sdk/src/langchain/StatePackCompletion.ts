import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager'
import { BaseLLM, type BaseLLMParams } from '@langchain/core/language_models/llms'
import { GenerationChunk, type LLMResult } from '@langchain/core/outputs'
import { type StatePackModelFields, settingsOf, streamChunks, type Usage } from './fields.ts'

interface Completion {
  readonly choices: readonly { text: string; finish_reason: string | null }[]
  readonly usage?: Usage
  readonly state?: string
}

const PATH = '/v1/completions'

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
    const generations: LLMResult['generations'] = []
    for (const prompt of prompts) {
      const body = { ...settingsOf(this.#fields, options), prompt }
      const answered = await this.#fields.server.request(PATH, body, { signal: options.signal })
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
    const asked = { path: PATH, body: { prompt } }
    for await (const { choices, usage, state } of streamChunks<Completion>(this.#fields, asked, options)) {
      const text = choices[0]?.text ?? ''
      const generationInfo = { ...(usage && { usage }), ...(state && { state }) }
      yield new GenerationChunk({ text, generationInfo })
      if (text !== '') await run?.handleLLMNewToken(text)
    }
  }
}
