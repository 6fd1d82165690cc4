/** One state that is asked for: its tokens, and the state it grew from (by index into the states). */
export interface TracedState {
  readonly parent: number | null
  /** Beyond its parent. */
  readonly tokens: number
}

export interface BranchyTrace {
  readonly states: readonly TracedState[]
  /** The states in the order they are asked for. */
  readonly asks: readonly number[]
}

/**
 * What agents and people do with states, recorded from a seed so that it is the same everywhere: a few long texts that all
 * keep coming back to, conversations on them that grow turn by turn and are now and then taken up again at an earlier turn,
 * and in between documents that are read once and never again.
 */
export function branchyTrace({ seed = 1, asks: count = 4000 } = {}): BranchyTrace {
  const next = linear(seed)
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low))
  const states: TracedState[] = [3200, 2400, 1800, 1200].map(tokens => ({ parent: null, tokens }))
  const bases = states.length
  const asks: number[] = []
  let conversations: { turns: number[] }[] = []
  while (asks.length < count) {
    const what = next()
    if (what < 0.3) {
      states.push({ parent: null, tokens: between(100, 600) })
      asks.push(states.length - 1)
      continue
    }
    if (what < 0.4 || conversations.length === 0) {
      // Those that people use most are used far more than the others.
      const base = Math.min(bases - 1, Math.floor(next() ** 2 * bases))
      conversations = [...conversations.slice(-11), { turns: [base] }]
    }
    const talk = conversations[between(0, conversations.length)]
    if (talk === undefined) continue
    if (talk.turns.length > 3 && next() < 0.15) talk.turns.length = between(1, talk.turns.length)
    const from = talk.turns.at(-1) ?? 0
    asks.push(from)
    states.push({ parent: from, tokens: between(20, 160) })
    talk.turns.push(states.length - 1)
  }
  return { states, asks }
}

/** Numbers in [0, 1) from a seed (the constants of Numerical Recipes). */
function linear(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
