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
  ['1,00,000', 100000, 100000],
  ['1,2,345', null, null],
  ['−3', -3, -3],
  ['０．５', 0.5, 0.5],
  ['१२.५', 12.5, 12.5],
  ['٠٫٥', 0.5, 0.5],
  ['twelve', null, null],
  ['12 apples', null, null],
])('%j', (typed, english, german) => {
  expect([readNumber(typed, 'en-US'), readNumber(typed, 'de-DE')]).toEqual([english, german])
})

it.each([
  'en-US',
  'de-DE',
  'de-CH',
  'sv-SE',
  'en-IN',
  'ar-EG',
  'fa-IR',
  'mr-IN',
  'bn-BD',
  'my-MM',
  'ckb',
  'th-TH-u-nu-thai',
])('what a field shows in %s is what it reads', locale => {
  const shown = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 })
  for (const value of [0, 0.5, -0.25, 12, 1234, 1234.5, 100000, 1234567, 1234567.25, -9876543.125]) {
    expect(readNumber(shown.format(value), locale)).toBe(value)
  }
})
