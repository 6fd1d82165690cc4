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
  /** For an edge over several columns (by {@link edgeKey}): a free place in each column between, so that it crosses no node. */
  readonly routes: ReadonlyMap<string, readonly Placed[]>
  readonly columns: number
  readonly rows: number
}

export function edgeKey({ parent, child }: LineageEdge): string {
  return `${parent}>${child}`
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
  for (const { parent, child } of edges) {
    if (!known.has(parent) || !known.has(child) || parent === child) continue
    parentsOf.set(child, [...(parentsOf.get(child) ?? []), parent])
  }
  const column = columnsOf(ids, parentsOf)
  const layers: string[][] = []
  const between = new Map<string, readonly string[]>()
  for (const id of ids) {
    const at = column.get(id) ?? 0
    while (layers.length <= at) layers.push([])
    layers[at]?.push(id)
  }
  const linked = { up: new Map<string, string[]>(), down: new Map<string, string[]>() }
  const link = (from: string, to: string) => {
    linked.down.set(from, [...(linked.down.get(from) ?? []), to])
    linked.up.set(to, [...(linked.up.get(to) ?? []), from])
  }
  for (const [child, parents] of parentsOf) {
    for (const parent of parents) {
      const [first, last] = [column.get(parent) ?? 0, column.get(child) ?? 0]
      const stops = Array.from(
        { length: Math.max(0, last - first - 1) },
        (_, i) => `${edgeKey({ parent, child })}#${i}`,
      )
      for (const [i, stop] of stops.entries()) layers[first + 1 + i]?.push(stop)
      if (stops.length > 0) between.set(edgeKey({ parent, child }), stops)
      const way = [parent, ...stops, child]
      for (const [i, from] of way.entries()) {
        const to = way[i + 1]
        if (to !== undefined) link(from, to)
      }
    }
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
    for (const layer of layers) sweep(layer, linked.up)
    for (const layer of [...layers].reverse()) sweep(layer, linked.down)
  }
  // Beside what it came from where there is room: a chain is a straight line.
  for (const layer of layers) {
    let free = 0
    for (const id of layer) {
      const rows = (linked.up.get(id) ?? []).map(other => row.get(other) ?? 0)
      const beside = rows.length === 0 ? free : Math.round(rows.reduce((sum, value) => sum + value, 0) / rows.length)
      row.set(id, Math.max(free, beside))
      free = (row.get(id) ?? 0) + 1
    }
  }
  const places = new Map(
    layers.flatMap((layer, at) => layer.map(id => [id, { id, column: at, row: row.get(id) ?? 0 }] as const)),
  )
  const placed = (id: string): Placed[] => {
    const at = places.get(id)
    return at === undefined ? [] : [at]
  }
  return {
    nodes: ids.flatMap(placed),
    routes: new Map([...between].map(([key, stops]) => [key, stops.flatMap(placed)])),
    columns: layers.length,
    rows: Math.max(0, ...[...row.values()].map(at => at + 1)),
  }
}
