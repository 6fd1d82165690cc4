import type { DrawnEdge } from './drawnLineage.ts'

export interface EdgeLabel extends Pick<DrawnEdge, 'child' | 'receiptId' | 'label'> {
  readonly key: string
  /** From the middle of the child to the middle of the label, in pixels; below is positive. */
  readonly offset: number
}

/** Between the middles of two labels of one child. With three, they stay within the child's own row. */
const PITCH = 24
const MOST = 3

/**
 * What stands before each child: one label for each operation that made it, however many parents that had. So labels are as
 * far apart as the children are, wherever their parents stand.
 */
export function edgeLabels(edges: readonly DrawnEdge[]): EdgeLabel[] {
  return [...Map.groupBy(edges, edge => edge.child)].flatMap(([child, ways]) => {
    const made = [
      ...new Map(ways.map(({ receiptId, label }) => [`${receiptId} ${label}`, { receiptId, label }])).values(),
    ]
    const shown =
      made.length <= MOST
        ? made
        : [...made.slice(0, MOST - 1), { receiptId: null, label: `and ${made.length - MOST + 1} more` }]
    return shown.map((own, index) => ({
      ...{ key: `${child} ${index}`, child, ...own },
      offset: (index - (shown.length - 1) / 2) * PITCH,
    }))
  })
}
