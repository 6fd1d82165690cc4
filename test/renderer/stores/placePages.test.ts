import { expect, test } from 'vitest'
import { PAGE, placePages } from '../../../renderer/stores/placePages.ts'

const page = (total: number, at: number) => ({
  total,
  entries: Array.from({ length: Math.min(PAGE, total - at * PAGE) }, (_, i) => `item ${at * PAGE + i}`),
})

test('puts the pages that were read at their places, and leaves gaps for the others', () => {
  const read = new Map([0, 50, 51, 99].map(at => [at, page(9_950, at)]))
  const list = placePages(page(9_950, 0), at => read.get(at))
  expect(list.length).toBe(9_950)
  expect(list[0]).toBe('item 0')
  expect(list[5_199]).toBe('item 5199')
  expect(list[9_949]).toBe('item 9949')
  expect(list[300]).toBe(undefined)
})

test('takes no page of a list of another length: in that one everything stood elsewhere', () => {
  const read = new Map([
    [0, page(151, 0)],
    [1, page(150, 1)],
  ])
  const list = placePages(page(151, 0), at => read.get(at))
  expect(list.length).toBe(151)
  expect(list[99]).toBe('item 99')
  expect(list[100]).toBe(undefined)
})
