import { expect, test } from 'vitest'
import { edgeLabels } from '../../../../renderer/features/remix/lineage/edgeLabels.ts'

/** Heights of the drawing: a label, and from one child to the next below it. */
const [LABEL, ROW] = [22, 84]
const edge = (parent: string, child: string, receiptId: string, label: string) => ({ parent, child, receiptId, label })

test('a mix of many has one label, at its child', () => {
  const labels = edgeLabels(['a', 'b', 'c'].map(parent => edge(parent, 'mix', 'r1', 'mixed')))
  expect(labels).toEqual([{ key: 'mix 0', child: 'mix', receiptId: 'r1', label: 'mixed', offset: 0 }])
})

test('labels of one child, and of children in neighbouring rows, do not touch', () => {
  const several = (count: number) =>
    edgeLabels(Array.from({ length: count }, (_, i) => edge('a', 'b', `r${i}`, `“Question ${i}?”`)))
  for (const count of [1, 2, 3, 9]) {
    const offsets = several(count).map(({ offset }) => offset)
    // The child below has as many.
    const all = [...offsets, ...offsets.map(offset => offset + ROW)]
    const gaps = all.slice(1).map((offset, at) => offset - (all[at] ?? 0))
    expect(Math.min(...gaps), `${count} labels`).toBeGreaterThanOrEqual(LABEL)
  }
  expect(several(9).map(({ label, receiptId }) => [label, receiptId])).toEqual([
    ...[
      ['“Question 0?”', 'r0'],
      ['“Question 1?”', 'r1'],
      ['and 7 more', null],
    ],
  ])
})
