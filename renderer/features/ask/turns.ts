import type { AskStep } from '#shared/rpc/methods/ask.ts'
import type { InferResult } from '#shared/rpc/methods/views.ts'

/** One question and what came back: a stored step, or (with the slot empty) an answer of the bare model. */
export type Turn =
  | { readonly kind: 'step'; readonly id: string; readonly question: string; readonly step: AskStep }
  | { readonly kind: 'bare'; readonly id: string; readonly question: string; readonly result: InferResult }

/** The steps from the cartridge to `headId`, oldest first. */
export function pathTo(steps: readonly AskStep[], headId: string | null): readonly AskStep[] {
  const byId = new Map(steps.map(step => [step.id, step]))
  const path: AskStep[] = []
  for (let step = headId === null ? undefined : byId.get(headId); step !== undefined; ) {
    path.push(step)
    byId.delete(step.id)
    step = step.parentId === null ? undefined : byId.get(step.parentId)
  }
  return path.reverse()
}

export interface TimelineEntry {
  readonly step: AskStep
  /** 0 on the first line; a second answer to the same state moves one lane to the right. */
  readonly lane: number
}

/** The tree of steps as lines: a step is followed by its first continuation; later ones are branches in lanes of their own. */
export function timeline(steps: readonly AskStep[]): readonly TimelineEntry[] {
  const children = Map.groupBy(steps, step => step.parentId)
  const entries: TimelineEntry[] = []
  const todo = [...(children.get(null) ?? [])]
    .reverse()
    .map((step, i, all) => ({ step, lane: i === all.length - 1 ? 0 : 1 }))
  // Depth first, so that a conversation stays together.
  while (todo.length > 0) {
    const entry = todo.pop()
    if (entry === undefined) break
    entries.push(entry)
    const next = children.get(entry.step.id) ?? []
    for (let i = next.length - 1; i >= 0; i--) {
      const step = next[i]
      if (step !== undefined) todo.push({ step, lane: Math.min(4, entry.lane + (i === 0 ? 0 : 1)) })
    }
  }
  return entries
}

export interface Point {
  readonly naive: number
  readonly processed: number
}

/** Cumulative tokens after each turn, starting at none: what re-reading would have processed, and what was. */
export function cumulative(turns: readonly Turn[]): readonly Point[] {
  const points: Point[] = [{ naive: 0, processed: 0 }]
  let naive = 0
  let processed = 0
  for (const turn of turns) {
    const tokens = turn.kind === 'step' ? turn.step.tokens : turn.result.tokens
    naive += tokens.naive
    processed += tokens.processed
    points.push({ naive, processed })
  }
  return points
}
