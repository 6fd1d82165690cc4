import type { Inspection } from '../inspectData.ts'

type Token = Inspection['tokens'][number]

/** Tokens that are read together: one, or several that only together are whole characters. */
export interface TokenRun {
  /** Position of the first. */
  readonly at: number
  readonly tokens: readonly Token[]
  readonly text: string
}

/**
 * Puts tokens that share characters together: a vocabulary has the bytes of a rare letter, not the letter, and none of its tokens
 * is text by itself.
 */
export function tokenRuns(tokens: readonly Token[], text: string): TokenRun[] {
  const runs: { at: number; tokens: Token[]; end: number }[] = []
  for (const [at, token] of tokens.entries()) {
    const run = runs.at(-1)
    if (run === undefined || token.start >= run.end) runs.push({ at, tokens: [token], end: token.end })
    else {
      run.tokens.push(token)
      run.end = Math.max(run.end, token.end)
    }
  }
  return runs.map(({ at, tokens: shared, end }) => {
    const [first] = shared
    return {
      ...{ at, tokens: shared },
      text: shared.length === 1 || first === undefined ? (first?.text ?? '') : text.slice(first.start, end),
    }
  })
}

/** For every token what to call it: its text in quotes, or which part of which text it is. */
export function tokenLabels(tokens: readonly Token[], text: string): string[] {
  return tokenRuns(tokens, text).flatMap(run =>
    run.tokens.length === 1
      ? [JSON.stringify(run.text)]
      : run.tokens.map((_, i) => `${JSON.stringify(run.text)}, ${i + 1} of ${run.tokens.length}`),
  )
}
