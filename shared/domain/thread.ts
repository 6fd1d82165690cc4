interface Placed {
  readonly id: string
  /** What it stands below; null: nothing. */
  readonly previousId: string | null
}

/** The turns from the beginning of a conversation to one of them: what is on screen. */
export function threadTo<T extends Placed>(turns: readonly T[], headId: string | null): readonly T[] {
  const byId = new Map(turns.map(turn => [turn.id, turn]))
  const thread: T[] = []
  for (let turn = headId === null ? undefined : byId.get(headId); turn !== undefined; ) {
    thread.push(turn)
    byId.delete(turn.id)
    turn = turn.previousId === null ? undefined : byId.get(turn.previousId)
  }
  return thread.reverse()
}
