import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { layoutLineage } from '../../../../renderer/features/remix/lineage/layoutLineage.ts'

const dag = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.array(fc.tuple(fc.nat(39), fc.nat(39)), { maxLength: 80 }))
  .map(([size, pairs]) => ({
    ids: Array.from({ length: size }, (_, i) => `n${i}`),
    edges: pairs
      .map(([a, b]) => [a % size, b % size].sort((x, y) => x - y))
      .filter(([a, b]) => a !== b)
      .map(([a, b]) => ({ parent: `n${a}`, child: `n${b}` })),
  }))

describe('layoutLineage', () => {
  test('places every node once, every child right of its parents, no two in one place', () => {
    fc.assert(
      fc.property(dag, ({ ids, edges }) => {
        const { nodes, routes } = layoutLineage(ids, edges)
        const stops = [...routes.values()].flat()
        const taken = [...nodes, ...stops].map(node => `${node.column}:${node.row}`)
        expect(new Set(taken).size).toBe(taken.length)
        const at = new Map(nodes.map(node => [node.id, node]))
        expect(at.size).toBe(ids.length)
        expect(new Set(nodes.map(node => `${node.column}:${node.row}`)).size).toBe(ids.length)
        for (const { parent, child } of edges) {
          expect(at.get(child)?.column).toBeGreaterThan(at.get(parent)?.column ?? Number.POSITIVE_INFINITY)
        }
      }),
    )
  })

  test('untangles two crossed chains', () => {
    const { nodes } = layoutLineage(
      ['a', 'b', 'x', 'y'],
      [
        { parent: 'a', child: 'y' },
        { parent: 'b', child: 'x' },
      ],
    )
    const row = (id: string) => nodes.find(node => node.id === id)?.row
    expect([row('y'), row('x')]).toEqual([row('a'), row('b')])
  })

  test('draws chains as straight lines, one below the other: none bends, none crosses', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.nat()),
        (lengths, random) => {
          const chains = lengths.map((length, chain) => Array.from({ length }, (_, at) => `${chain}.${at}`))
          const edges = chains.flatMap(ids => ids.slice(1).map((child, at) => ({ parent: ids[at] ?? '', child })))
          const shuffled = chains.flat().toSorted(() => ((random.next().value ?? 0) % 2 === 0 ? 1 : -1))
          const { nodes } = layoutLineage(shuffled, edges)
          const row = new Map(nodes.map(node => [node.id, node.row]))
          for (const ids of chains) expect(new Set(ids.map(id => row.get(id))).size).toBe(1)
          expect(new Set(chains.map(([first = '']) => row.get(first))).size).toBe(chains.length)
        },
      ),
    )
  })

  test('ends on a cycle, which only a forged library can hold', () => {
    const edges = [
      { parent: 'a', child: 'b' },
      { parent: 'b', child: 'a' },
    ]
    expect(layoutLineage(['a', 'b'], edges).nodes).toHaveLength(2)
  })
})
