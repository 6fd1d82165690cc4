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

/** Every turn of a cartridge, oldest first: where a question was asked again, the way that was gone last. */
export function conversationOf(steps: readonly AskStep[]): readonly AskStep[] {
  const roots = new Map<string, string>()
  // Later steps come later in the list, so what stays for a root is its newest.
  const newest = new Map<string, string>()
  for (const { id, parentId } of steps) {
    const root = parentId === null ? id : (roots.get(parentId) ?? id)
    roots.set(id, root)
    newest.set(root, id)
  }
  return [...newest.values()].flatMap(id => pathTo(steps, id))
}

export interface TimelineEntry {
  readonly step: AskStep
  /** 0 on the first line; a second answer to the same state moves one lane to the right. */
  readonly lane: number
  /** Starts from the cartridge itself although other steps stand above it. */
  readonly afresh: boolean
}

/** The tree of steps as lines: a step is followed by its first continuation; later ones are branches in lanes of their own. */
export function timeline(steps: readonly AskStep[]): readonly TimelineEntry[] {
  const children = Map.groupBy(steps, step => step.parentId)
  const entries: TimelineEntry[] = []
  const roots = children.get(null) ?? []
  const todo = roots.map((step, i): TimelineEntry => ({ step, lane: 0, afresh: i > 0 })).reverse()
  // Depth first, so that a conversation stays together.
  for (let entry = todo.pop(); entry !== undefined; entry = todo.pop()) {
    entries.push(entry)
    const { lane } = entry
    const next = (children.get(entry.step.id) ?? []).map(
      (step, i): TimelineEntry => ({ step, lane: Math.min(4, lane + (i === 0 ? 0 : 1)), afresh: false }),
    )
    todo.push(...next.reverse())
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
