/**
 * Places a lineage in columns: roots at the left, every child right of all its parents. Inside a column the order follows
 * the parents' (barycentre sweeps, Sugiyama, Tagawa and Toda 1981), which keeps most edges from crossing.
 */
export interface LineageEdge {
  readonly parent: string
  readonly child: string
}

export interface Placed {
  readonly id: string
  readonly column: number
  readonly row: number
}

export interface LineageLayout {
  readonly nodes: readonly Placed[]
  readonly columns: number
  readonly rows: number
}

/** Column of every node: the longest way from a root. A cycle, which no honest library has, is cut where it is met. */
function columnsOf(ids: readonly string[], parentsOf: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const column = new Map<string, number>()
  const open = new Set<string>()
  for (const start of ids) {
    const stack = [start]
    while (stack.length > 0) {
      const id = stack.at(-1)
      if (id === undefined) break
      const waiting = (parentsOf.get(id) ?? []).filter(parent => !column.has(parent) && !open.has(parent))
      if (column.has(id) || waiting.length === 0) {
        stack.pop()
        open.delete(id)
        if (column.has(id)) continue
        const before = (parentsOf.get(id) ?? []).map(parent => column.get(parent) ?? -1)
        column.set(id, Math.max(-1, ...before) + 1)
      } else {
        open.add(id)
        stack.push(...waiting)
      }
    }
  }
  return column
}

/** Deterministic: equal input gives equal places. Edges to nodes that are not listed are ignored. */
export function layoutLineage(ids: readonly string[], edges: readonly LineageEdge[]): LineageLayout {
  const known = new Set(ids)
  const parentsOf = new Map<string, string[]>()
  const childrenOf = new Map<string, string[]>()
  for (const { parent, child } of edges) {
    if (!known.has(parent) || !known.has(child) || parent === child) continue
    parentsOf.set(child, [...(parentsOf.get(child) ?? []), parent])
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), child])
  }
  const column = columnsOf(ids, parentsOf)
  const layers: string[][] = []
  for (const id of ids) {
    const at = column.get(id) ?? 0
    while (layers.length <= at) layers.push([])
    layers[at]?.push(id)
  }
  const row = new Map<string, number>()
  const number = (layer: readonly string[]) => {
    for (const [index, id] of layer.entries()) row.set(id, index)
  }
  for (const layer of layers) number(layer)
  const sweep = (layer: string[], neighbours: ReadonlyMap<string, readonly string[]>) => {
    const weight = new Map(
      layer.map(id => {
        const rows = (neighbours.get(id) ?? []).map(other => row.get(other) ?? 0)
        return [id, rows.length === 0 ? (row.get(id) ?? 0) : rows.reduce((sum, value) => sum + value, 0) / rows.length]
      }),
    )
    layer.sort((a, b) => (weight.get(a) ?? 0) - (weight.get(b) ?? 0))
    number(layer)
  }
  for (let round = 0; round < 4; round += 1) {
    for (const layer of layers) sweep(layer, parentsOf)
    for (const layer of [...layers].reverse()) sweep(layer, childrenOf)
  }
  return {
    nodes: layers.flatMap((layer, at) => layer.map((id, index) => ({ id, column: at, row: index }))),
    columns: layers.length,
    rows: Math.max(0, ...layers.map(layer => layer.length)),
  }
}
