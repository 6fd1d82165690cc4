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

  test('ends on a cycle, which only a forged library can hold', () => {
    const edges = [
      { parent: 'a', child: 'b' },
      { parent: 'b', child: 'a' },
    ]
    expect(layoutLineage(['a', 'b'], edges).nodes).toHaveLength(2)
  })
})
