/** Where lines break in the window: never between a number and its unit, never before a dot that separates. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { createFigures } from '#shared/figures/createFigures.ts'
import { Dots } from '../../../renderer/ui/Dots.tsx'
import { dotted } from '../../../renderer/ui/dotted.ts'
import { figures } from '../../../renderer/ui/format.ts'

const root = join(import.meta.dirname, '..', '..', '..', 'renderer')

test('a number keeps its unit, in every kind of figure', () => {
  expect(figures.formatBytes(87_900)).toBe('87.9\u00a0kB')
  const { formatBytes, formatSeconds, formatEta, formatPercent, formatRate, formatRatio, ...marked } = createFigures(
    'en-US',
    '_',
  )
  expect([
    ...[1e3, 1e6, 1e9].map(formatBytes),
    ...[0, 1e-4, 0.05, 5, 50, 500, 1e4].map(formatSeconds),
    ...[formatPercent(12.5), formatRate(36.3), formatRatio(1.7), marked.formatRead(1204), marked.formatTokens(2e6)],
  ]).toEqual([
    ...['1.0_kB', '1.0_MB', '1.0_GB'],
    ...['0_s', '<1_ms', '50_ms', '5.00_s', '50.0_s', '8_min', '2.8_h'],
    ...['12.5_%', '36.3_tok/s', '1.7_×', '1,204_tok', '2.00_M'],
  ])
  expect([8, 200].map(formatEta)).toEqual(['8_s left', '4_min left'])
  expect([1, 1204].map(count => marked.formatCounted(count, 'token'))).toEqual(['1_token', '1,204_tokens'])
})

test('a dot stays with what is before it, of texts and of elements, and there is none for what is absent', () => {
  const line = '17 tokens read\u00a0· 40 ms\u00a0· stopped by you'
  expect(dotted('17 tokens read', null, '40 ms', false, '', 'stopped by you')).toBe(line)
  const elements = createElement(Dots, null, '17 tokens read', null, '40 ms', '', 'stopped by you')
  expect(renderToStaticMarkup(elements)).toBe(line)
  expect(dotted()).toBe('')
})

/** What would be written by hand: a dot between parts, a word after a counted number, a unit. */
const BY_HAND = [
  /[`'}>\w] · |· [`'$<{]/,
  /\bformat(Count|Tokens)\([^}`]*\)\} (tok|tokens?|cartridges?|characters|steps)\b/,
  /\bformat\w+\([^}`]*\)\} (%|[kMG]?B|m?s|bits)(?!\w)/,
]
const byHand = (line: string) => !/^\s*(\/?\*|\/\/)/.test(line) && BY_HAND.some(form => form.test(line))

test('one function each writes them', () => {
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(file => /\.tsx?$/.test(file) && !file.endsWith('dotted.ts'))
    .flatMap(file => {
      const lines = readFileSync(join(root, file), 'utf8').split('\n')
      return lines.flatMap((line, at) => (byHand(line) ? [`${file}:${at + 1}`] : []))
    })
  expect(found).toEqual([])
})

test('what is written by hand would be found', () => {
  const lines = ['{a} · {b}', "' · done'", '<b>a</b> · b', '{formatCount(n)} tokens read', '{formatFixed(n, 1)} %']
  for (const line of lines) expect(byHand(line), line).toBe(true)
})
