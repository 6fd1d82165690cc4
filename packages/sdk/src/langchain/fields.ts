import type { StatePack } from '../statePack.ts'

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

/** What every request of a model says. */
export function settingsOf(
  { model, state, maxTokens, temperature, topP, seed, stop }: StatePackModelFields,
  options: { stop?: string[] },
): Record<string, unknown> {
  return { model, state, max_tokens: maxTokens, temperature, top_p: topP, seed, stop: options.stop ?? stop }
}
