import type { StateKind } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { PacketContext } from '../packets/context.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'

/** Who came from what: the whole library, or everything connected to one cartridge. Parents may be gone; then `present` is false. */
export async function lineage(context: PacketContext, ref: string | undefined): Promise<Output<'library.lineage'>> {
  const { store } = context
  const links = store.index.lineage()
  const root = ref === undefined ? null : await resolvePacketId(context, ref)
  const kept = root === null ? null : connected(root, links)
  const edges = links.filter(({ child }) => kept === null || kept.has(child))
  const ids = new Set<Digest>(root === null ? [] : [root])
  for (const { parent, child } of edges) ids.add(parent).add(child)
  const names = store.library.packets.names()
  const nodes = await Promise.all(
    [...ids].map(async packetId => {
      const [known] = (await store.list({ packetId, limit: 1 })).items
      return {
        packetId,
        name: names.get(packetId)?.[0] ?? null,
        kind: (known?.kind ?? null) as StateKind | null,
        tokens: known?.tokens ?? 0,
        present: known !== undefined,
      }
    }),
  )
  const withReceipts = await Promise.all(
    edges.map(async ({ parent, child, op }) => {
      const [receipt] = (await context.receipts.list({ about: child, limit: 1 })).receipts
      return { parent, child, op, receiptId: receipt?.receipt_id ?? null }
    }),
  )
  return { nodes, edges: withReceipts }
}

/** Every packet that can be reached from one, up or down. */
function connected(root: Digest, links: readonly { parent: Digest; child: Digest }[]): Set<Digest> {
  const seen = new Set<Digest>([root])
  const queue = [root]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    for (const { parent, child } of links) {
      const other = parent === at ? child : child === at ? parent : null
      if (other === null || seen.has(other)) continue
      seen.add(other)
      queue.push(other)
    }
  }
  return seen
}
