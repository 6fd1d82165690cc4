/** The texts of State Pack's agent-loop benchmark, letter for letter: its counts depend on every one of them. */

export interface LoopTexts {
  readonly base: string
  /** Text of a step; `{i}` stands for its number, from 1. */
  readonly delta: string
}

const DELTA = 'Step {i}: Tool observation says contract clause {i} affects indemnity, waiver, notice, or damages.\n'

/** Its command-line benchmark. */
export const AGENT_LOOP: LoopTexts = {
  base: 'You are an autonomous legal research agent. You must track instructions, prior tool results, citations, constraints, and unresolved questions. Always preserve the full working memory and continue from prior state.\n\n',
  delta: DELTA,
}

/** Its SDK benchmark. */
export const SDK_LOOP: LoopTexts = {
  base: 'You are an autonomous legal research agent. Track instructions, prior tool results, citations, constraints, and open questions. Preserve full working memory and continue from prior state.\n\n',
  delta: DELTA,
}

/** Its hosted-API benchmark: the SDK's texts without their line ends. */
export const PROVIDER_LOOP: LoopTexts = { base: SDK_LOOP.base.trimEnd(), delta: DELTA.trimEnd() }

/** The text of step `i`. */
export function deltaText({ delta }: LoopTexts, i: number): string {
  return delta.replaceAll('{i}', String(i))
}
