import { describe, expect, test } from 'vitest'
import { createFigures, ENGLISH as format } from '#shared/figures/createFigures.ts'
import { localeOf } from '#shared/figures/localeOf.ts'
import { progressFacts } from '#shared/figures/progressFacts.ts'

describe('figures read the same everywhere', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [99_949, '99.9 kB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [2_801_664, '2.8 MB'],
    [-1500, '-1.5 kB'],
    [5e12, '5.0 TB'],
  ])('%d bytes', (bytes, text) => expect(format.formatBytes(bytes)).toBe(text))

  test.each([
    [12_480, '12,480'],
    [2_670_720, '2.67 M'],
    [1.2e9, '1.20 B'],
  ])('%d tokens', (tokens, text) => expect(format.formatTokens(tokens)).toBe(text))

  test.each([
    [124_439_808, '124M'],
    [1_235_814_400, '1.24B'],
  ])('%d parameters', (count, text) => expect(format.formatParameters(count)).toBe(text))

  test.each([
    [0, 'a mix'],
    [1, '1 tok'],
    [12_480, '12,480 tok'],
  ])('%d tokens that a cartridge has read', (tokens, text) => expect(format.formatRead(tokens)).toBe(text))

  test.each([
    [0, '0 s'],
    [0.0002, '<1 ms'],
    [0.004, '4 ms'],
    [0.21, '0.21 s'],
    [12.5, '12.5 s'],
    [3480, '58 min'],
    [11_520, '3.2 h'],
  ])('%d seconds', (seconds, text) => expect(format.formatSeconds(seconds)).toBe(text))

  test.each([
    [0, '$0'],
    [6.684, '$6.68'],
    [0.0447, '$0.0447'],
    [-0.5, '-$0.50'],
    [1234.5, '$1,234.50'],
  ])('%d dollars', (dollars, text) => expect(format.formatMoney(dollars)).toBe(text))

  test.each([
    [0, '0'],
    [0.03124, '0.0312'],
    [0.00061, '0.00061'],
    [12.3456, '12.3'],
    [0.0000041, '4.1E-6'],
  ])('%d with the digits that matter', (value, text) => expect(format.formatSignificant(value, 3)).toBe(text))

  test.each([
    [0.25, 'nothing', '0.25 s', '0.25 s more'],
    [0.013, 'nothing', '13 ms', '13 ms more'],
  ])('%d s saved, and lost: no minus without a word', (seconds, none, saved, lost) => {
    expect(format.formatSaving(0, format.formatSeconds)).toBe(none)
    expect(format.formatSaving(seconds, format.formatSeconds)).toBe(saved)
    expect(format.formatSaving(-seconds, format.formatSeconds)).toBe(lost)
  })

  test('a running call says only what was measured', () => {
    const call = { phase: 'reading', done: 1204, total: 3000, unit: 'tokens', rate: 1204, etaSeconds: 7.2 } as const
    expect(progressFacts(call, format)).toEqual(['1,204 of 3,000 tokens', '1,204 tok/s', '8 s left'])
    expect(progressFacts({ phase: 'reading', done: 2000, unit: 'bytes' }, format)).toEqual(['2.0 kB'])
    expect(progressFacts({ phase: 'reading' }, format)).toEqual([])
  })

  test('time passed, and a time that is none', () => {
    const now = Date.parse('2026-11-21T12:00:00Z')
    expect(format.formatAgo('2026-11-21T11:59:50Z', now)).toBe('just now')
    expect(format.formatAgo('2026-11-21T11:18:00Z', now)).toBe('42 min ago')
    expect(format.formatAgo('2026-11-20T11:00:00Z', now)).toBe('yesterday')
    expect(format.formatAgo('never', now)).toBe('never')
  })
})

test.each([
  ['de-DE', 'de-DE'],
  ['de-de', 'de-DE'],
  ['en-US@posix', 'en-US'],
  ['', 'en-US'],
])('the language %j of a browser is %s', (tag, locale) => expect(localeOf(tag)).toBe(locale))

test('marks are those of the language, in every kind of figure', () => {
  const german = createFigures('de-DE')
  expect([
    german.formatCount(12_480),
    german.formatBytes(2_801_664),
    german.formatMoney(1234.5),
    german.formatPercent(95.3),
    german.formatSeconds(0.21),
    german.formatRatio(3.25),
  ]).toEqual(['12.480', '2,8 MB', '$1.234,50', '95,3 %', '0,21 s', '3,3 ×'])
})

test('days and clocks are written as the language writes them', () => {
  const at = '2026-02-03T14:05:09'
  expect(createFigures('en-GB').formatDate(at)).toBe('3 Feb 2026')
  expect(createFigures('de-DE').formatClock(at)).toBe('14:05:09')
  expect(createFigures('en-GB').formatHour(at)).toBe('14:05')
})
