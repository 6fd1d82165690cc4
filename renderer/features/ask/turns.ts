import type { Turn } from '#shared/rpc/methods/turn.ts'

export interface TimelineEntry {
  readonly turn: Turn
  /** 0 on the first line; a second turn below the same one moves one lane to the right. */
  readonly lane: number
  /** Starts from the cartridge itself although other turns stand above it. */
  readonly afresh: boolean
  /** What stands right above is not what it went on from. */
  readonly apart: boolean
}

/** The tree of turns as lines: a turn is followed by what stands below it; later ones are branches in lanes of their own. */
export function timeline(turns: readonly Turn[]): readonly TimelineEntry[] {
  const below = Map.groupBy(
    turns.filter(turn => turn.besideId === null),
    turn => turn.previousId,
  )
  const entries: TimelineEntry[] = []
  const inLane = (turn: Turn, lane: number) => ({
    ...{ turn, lane: Math.min(4, lane) },
    afresh: turn.previousId !== null && turn.parentId === null,
  })
  const todo = (below.get(null) ?? []).map((turn, i) => inLane(turn, i === 0 ? 0 : 1)).reverse()
  // Depth first, so that a branch stays together.
  for (let entry = todo.pop(); entry !== undefined; entry = todo.pop()) {
    const { lane, turn, afresh } = entry
    const above = entries.at(-1)
    entries.push({ ...entry, apart: afresh || (above !== undefined && above.turn.id !== turn.previousId) })
    todo.push(...(below.get(turn.id) ?? []).map((next, i) => inLane(next, lane + (i === 0 ? 0 : 1))).reverse())
  }
  return entries
}

/** Every answer of a thread: those of other cartridges to the same question follow the first. */
export function answersOf(thread: readonly Turn[], turns: readonly Turn[]): readonly Turn[] {
  return thread.flatMap(turn => [turn, ...turns.filter(({ besideId }) => besideId === turn.id)])
}

/** The turn whose state a question would go on from: the last one on screen that asked what is in the slot now. */
export function continued(
  thread: readonly Turn[],
  { packetId, model }: { packetId: string | null; model: string | undefined },
): Turn | null {
  return (
    thread.findLast(
      turn => turn.rootPacketId === packetId && (packetId !== null || turn.model === null || turn.model === model),
    ) ?? null
  )
}

export interface Point {
  readonly naive: number
  readonly processed: number
}

/** Cumulative tokens after each turn, starting at none: what re-reading would have processed, and what was. */
export function cumulative(turns: readonly Pick<Turn, 'tokens'>[]): readonly Point[] {
  const points: Point[] = [{ naive: 0, processed: 0 }]
  let naive = 0
  let processed = 0
  for (const { tokens } of turns) {
    naive += tokens.naive
    processed += tokens.processed
    points.push({ naive, processed })
  }
  return points
}
