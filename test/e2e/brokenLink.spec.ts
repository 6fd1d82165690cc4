import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, goTo, test } from './fixtures.ts'

test('a receipt changed on disk is shown where it is', async ({ page, studio }) => {
  await goTo(page, 'Receipts')
  await page.getByRole('button', { name: 'Verify all' }).click()
  await expect(page.getByText(/^All [\d,]+ receipts hold/)).toBeVisible()

  const name = readdirSync(studio.home, { recursive: true, encoding: 'utf8' }).find(path => path.endsWith('log.jsonl'))
  const log = join(studio.home, name ?? 'log.jsonl')
  const lines = readFileSync(log, 'utf8').split('\n')
  const at = 3
  const line = lines[at] ?? ''
  // One digit of what was signed, changed in place.
  const digit = line.search(/\d(?=\D*$)/)
  lines[at] = `${line.slice(0, digit)}${(Number(line[digit]) + 1) % 10}${line.slice(digit + 1)}`
  expect(lines[at]).not.toBe(line)
  writeFileSync(log, lines.join('\n'))

  await page.getByRole('button', { name: 'Verify all' }).click()
  await expect(page.getByText(`The chain breaks. Receipt ${at + 1} `)).toBeVisible()
  await page.getByRole('button', { name: 'Show the broken link' }).click()
  await expect(page.getByRole('img', { name: 'The chain is broken here' })).toBeVisible()
  await expect(page.getByRole('complementary', { name: 'Receipt' })).toContainText('signature does not match')
})
