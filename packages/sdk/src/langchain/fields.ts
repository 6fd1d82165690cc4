import type { StatePack } from '../statePack.ts'
import { streamEvents } from '../streamEvents.ts'

export interface StatePackModelFields {
  /** From `connect` or `openEngine`. */
  readonly server: StatePack
  /** An installed model's id; default the one of the server's settings. */
  readonly model?: string
  /** A state to ask, by name or hash: then messages are only what is new. */
  readonly state?: string
  readonly maxTokens?: number
  /** 0 where it is not given: the most likely token. */
  readonly temperature?: number
  readonly topP?: number
  readonly seed?: number
  readonly stop?: readonly string[]
}

/** Tokens of a request as OpenAI's routes tell them. */
export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details: { readonly cached_tokens: number }
}

/** What LangChain gives with a call of a model. */
export interface ModelCall {
  readonly stop?: string[]
  readonly signal?: AbortSignal
}

/** What every request of a model says. */
export function settingsOf(
  { model, state, maxTokens, temperature, topP, seed, stop }: StatePackModelFields,
  call: ModelCall,
): Record<string, unknown> {
  return { model, state, max_tokens: maxTokens, temperature, top_p: topP, seed, stop: call.stop ?? stop }
}

/** A request to one of OpenAI's routes, answered chunk by chunk: the last one counts the tokens. */
export async function* streamChunks<Chunk>(
  fields: StatePackModelFields,
  { path, body }: { path: string; body: Readonly<Record<string, unknown>> },
  call: ModelCall,
): AsyncGenerator<Chunk> {
  const sent = { ...settingsOf(fields, call), ...body, stream: true, stream_options: { include_usage: true } }
  // The end is a word, not a chunk.
  for await (const { data } of streamEvents(fields.server, { path, body: sent, signal: call.signal }))
    if (typeof data === 'object' && data !== null) yield data as Chunk
}
