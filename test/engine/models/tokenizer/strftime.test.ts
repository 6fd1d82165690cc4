import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { strftime } from '#engine/models/tokenizer/strftime.ts'

const TIME = '2026-01-03T15:04:05'

test.each([
  ['%d %b %Y', '03 Jan 2026'],
  ['%A, %B %-d, %Y', 'Saturday, January 3, 2026'],
  ['%a %e %b %y', 'Sat  3 Jan 26'],
  ['%H:%M:%S %I%p %-I%P %k %l', '15:04:05 03PM 3pm 15  3'],
  [
    '%c | %x | %X | %D | %F | %T | %R | %r',
    'Sat Jan  3 15:04:05 2026 | 01/03/26 | 15:04:05 | 01/03/26 | 2026-01-03 | 15:04:05 | 15:04 | 03:04:05 PM',
  ],
  ['%j %U %W %V %G %g %u %w %C', '003 00 00 01 2026 26 6 6 20'],
  ['[%z%Z] %% %n%t %f %s', '[] % \n\t 000000 1767452645'],
  ['%^a %^B %#p %_m %_H', 'SAT JANUARY pm  1 15'],
  ['%Q and %', '%Q and %'],
])('%s', (format, expected) => {
  expect(strftime(TIME, format)).toBe(expected)
})

test('weeks at the turn of a year', () => {
  expect(strftime('2027-01-01T00:00:00', '%G-W%V-%u %U %W')).toBe('2026-W53-5 00 00')
  expect(strftime('2024-12-30T00:00:00', '%G-W%V-%u %j')).toBe('2025-W01-1 365')
})

test('English names, whatever the language of the machine', () => {
  const script = `import('${new URL('../../../../electron/engine/models/tokenizer/strftime.ts', import.meta.url).href}').then(m => console.log(m.strftime('${TIME}', '%A %B')))`
  const run = (locale: string) =>
    execFileSync(process.execPath, ['--experimental-strip-types', '-e', script], {
      env: { ...process.env, LC_ALL: locale, LANG: locale, TZ: 'Asia/Tokyo', NODE_NO_WARNINGS: '1' },
      encoding: 'utf8',
    })
  expect(run('de_DE.UTF-8')).toBe('Saturday January\n')
})
