import type { StateKind } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { PacketContext } from '../packets/context.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'

interface Link {
  readonly parent: Digest
  readonly child: Digest
}

/**
 * Who came from what: the whole library, or everything connected to one cartridge. Parents may be gone; then `present` is
 * false. Two queries and one pass over the receipts, whatever the number of cartridges: what they claim as parents is theirs.
 */
export async function lineage(context: PacketContext, ref: string | undefined): Promise<Output<'library.lineage'>> {
  const { store } = context
  const links = store.index.lineage()
  const root = ref === undefined ? null : await resolvePacketId(context, ref)
  const kept = root === null ? null : connected(root, links)
  const edges = links.filter(({ child }) => kept === null || kept.has(child))
  const ids = new Set<Digest>(root === null ? [] : [root])
  for (const { parent, child } of edges) ids.add(parent).add(child)
  const known = store.index.nodes(ids)
  const receipts = await context.receipts.newestAbout(new Set(edges.map(({ child }) => child)))
  return {
    nodes: [...ids].map(packetId => {
      const node = known.get(packetId)
      return {
        packetId,
        name: node?.name ?? null,
        question: node?.question ?? null,
        kind: (node?.kind ?? null) as StateKind | null,
        tokens: node?.tokens ?? 0,
        present: node !== undefined,
      }
    }),
    edges: edges.map(({ parent, child, op }) => ({ parent, child, op, receiptId: receipts.get(child) ?? null })),
  }
}

/** Every packet that can be reached from one, up or down. */
function connected(root: Digest, links: readonly Link[]): Set<Digest> {
  const neighbours = new Map<Digest, Digest[]>()
  const join = (from: Digest, to: Digest) => {
    const known = neighbours.get(from)
    if (known === undefined) neighbours.set(from, [to])
    else known.push(to)
  }
  for (const { parent, child } of links) {
    join(parent, child)
    join(child, parent)
  }
  const seen = new Set<Digest>([root])
  const queue = [root]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    for (const other of neighbours.get(at) ?? []) {
      if (seen.has(other)) continue
      seen.add(other)
      queue.push(other)
    }
  }
  return seen
}
