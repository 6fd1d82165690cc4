import type { Output } from '#shared/rpc/client.ts'
import { operationKind } from '../../../ui/operationWords.ts'

type Lineage = Output<'library.lineage'>

export interface DrawnEdge {
  readonly parent: string
  readonly child: string
  /** Of what was made. */
  readonly receiptId: string | null
  /** The questions on the way, else the operation. */
  readonly label: string
}

/**
 * What is worth drawing of a lineage: what has a name, and the one that is looked at. States after answers, which nobody
 * named, are ways between them and become what was asked; those that lead nowhere are left out.
 */
export function drawnLineage({ nodes, edges }: Lineage, current: string | null) {
  const byId = new Map(nodes.map(node => [node.packetId as string, node]))
  const isDrawn = (id: string) => {
    const node = byId.get(id)
    return node === undefined || !node.present || node.name !== null || id === current
  }
  const above = Map.groupBy(edges, edge => edge.child as string)
  const drawn: DrawnEdge[] = []
  for (const { packetId: child } of nodes) {
    if (!isDrawn(child)) continue
    const own = byId.get(child)?.question ?? null
    const ways = (above.get(child) ?? []).map(edge => ({
      edge,
      parent: edge.parent as string,
      asked: edge.op === 'infer' && own !== null ? [own] : [],
    }))
    const seen = new Set<string>()
    for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
      const { edge, parent, asked } = way
      if (isDrawn(parent)) {
        drawn.push({ parent, child, receiptId: edge.receiptId, label: labelOf(asked, edge.op) })
        continue
      }
      if (seen.has(parent)) continue
      seen.add(parent)
      const question = byId.get(parent)?.question ?? null
      for (const next of above.get(parent) ?? [])
        ways.push({ edge, parent: next.parent, asked: question === null ? asked : [question, ...asked] })
    }
  }
  const related = new Set(drawn.flatMap(({ parent, child }) => [parent, child]))
  return { nodes: nodes.filter(({ packetId }) => related.has(packetId)), edges: drawn }
}

function labelOf(asked: readonly string[], op: string): string {
  const [first, ...others] = asked
  if (first === undefined) return operationKind(op).toLowerCase()
  return others.length === 0 ? `“${first}”` : `“${first}” and ${others.length} more`
}
