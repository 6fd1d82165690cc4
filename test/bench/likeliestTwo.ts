interface Choice {
  readonly id: number
  readonly logit: number
}

/** The ids with the largest logits, `[vocab]`: how far the first is ahead says whether another computation may choose the other. */
export function likeliestTwo(logits: ArrayLike<number>): [first: Choice, second: Choice] {
  const none = { id: -1, logit: Number.NEGATIVE_INFINITY }
  let [first, second]: [Choice, Choice] = [none, none]
  for (const [id, logit] of Array.from(logits).entries()) {
    if (logit > first.logit) [first, second] = [{ id, logit }, first]
    else if (logit > second.logit) second = { id, logit }
  }
  return [first, second]
}
