import { expect, it } from 'vitest'
import { readNumber } from '../../../renderer/ui/readNumber.ts'

it.each<[string, number | null, number | null]>([
  // typed, in English, in German
  ['0.50', 0.5, 0.5],
  ['0,50', 0.5, 0.5],
  ['0,15', 0.15, 0.15],
  ['1,5', 1.5, 1.5],
  ['1.5', 1.5, 1.5],
  [',5', 0.5, 0.5],
  ['.5', 0.5, 0.5],
  ['1,234', 1234, 1.234],
  ['1.234', 1.234, 1234],
  ['0,123', 0.123, 0.123],
  ['1.234,5', 1234.5, 1234.5],
  ['1,234.5', 1234.5, 1234.5],
  ['1.234.567', 1234567, 1234567],
  ['1,234,567', 1234567, 1234567],
  ['1 234,5', 1234.5, 1234.5],
  ["1'234.5", 1234.5, 1234.5],
  ['1,2345', 1.2345, 1.2345],
  ['$0.15', 0.15, 0.15],
  ['2.5e3', 2500, 2500],
  ['2,5e3', 2500, 2500],
  ['-3', -3, -3],
  ['20', 20, 20],
  ['', null, null],
  ['-', null, null],
  ['1,2,3', null, null],
  ['1.2,3.4', null, null],
  ['twelve', null, null],
  ['12 apples', null, null],
])('%j', (typed, english, german) => {
  expect([readNumber(typed, 'en-US'), readNumber(typed, 'de-DE')]).toEqual([english, german])
})
