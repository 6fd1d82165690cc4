import { describe, expect, test } from 'vitest'
import { parseDigest } from '#shared/domain/digest.ts'
import type { Output } from '#shared/rpc/client.ts'
import { drawnLineage } from '../../../../renderer/features/remix/lineage/drawnLineage.ts'

const id = (letter: string) => parseDigest(`sha256:${letter.repeat(64)}`)
const node = (letter: string, name: string | null, question: string | null = null) => ({
  ...{ packetId: id(letter), name, question, kind: 'kv' as const, tokens: 1, present: true },
})
const edge = (parent: string, child: string, op = 'infer') => ({
  ...{ parent: id(parent), child: id(child), op, receiptId: `receipt of ${child}` },
})
const drawn = (
  nodes: Output<'library.lineage'>['nodes'],
  edges: Output<'library.lineage'>['edges'],
  at: string | null = null,
) => {
  const result = drawnLineage({ nodes, edges }, at)
  const letter = (digest: string) => digest.at(-1)
  return {
    nodes: result.nodes.map(({ packetId }) => letter(packetId)),
    edges: result.edges.map(
      ({ parent, child, label, receiptId }) => `${letter(parent)}>${letter(child)} ${label} (${receiptId})`,
    ),
  }
}

describe('what is drawn of a lineage', () => {
  test('an answer that was kept hangs on what was asked, and the states before it are the way there', () => {
    const nodes = [node('a', 'Card'), node('b', null, 'Who?'), node('c', 'Kept', 'And when?')]
    expect(drawn(nodes, [edge('a', 'b'), edge('b', 'c')])).toEqual({
      nodes: ['a', 'c'],
      edges: ['a>c “Who?” and 1 more (receipt of c)'],
    })
  })

  test('answers that nobody kept are left out, the one that is looked at is not', () => {
    const nodes = [node('a', 'Card'), node('b', null, 'Who?')]
    expect(drawn(nodes, [edge('a', 'b')])).toEqual({ nodes: [], edges: [] })
    expect(drawn(nodes, [edge('a', 'b')], id('b')).edges).toEqual(['a>b “Who?” (receipt of b)'])
  })

  test('other operations are called what they are called everywhere, and parents that are gone their place', () => {
    const nodes = [{ ...node('a', null), present: false }, node('b', 'B'), node('c', 'Mix')]
    expect(drawn(nodes, [edge('a', 'c', 'mix'), edge('b', 'c', 'mix')]).edges.toSorted()).toEqual([
      'a>c mixed (receipt of c)',
      'b>c mixed (receipt of c)',
    ])
  })
})
