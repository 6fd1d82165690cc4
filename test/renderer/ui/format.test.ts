import { describe, expect, test } from 'vitest'
import * as format from '../../../renderer/ui/format.ts'

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

  test('a digest is cut in the middle, a short id is not', () => {
    expect(format.shortDigest(`sha256:9f2c${'0'.repeat(56)}e41a`)).toBe('sha256:9f2c…e41a')
    expect(format.shortDigest('rcp_1')).toBe('rcp_1')
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
])('the language %j of a browser is %s', (tag, locale) => expect(format.localeOf(tag)).toBe(locale))
