/** More files than are opened in advance. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { choose, chooseModel, expect, goTo, test } from './fixtures.ts'

const FACTS = 'Facts:\nLena Ortiz is the manager of Harbor Coffee.\nThe rent of Harbor Coffee is 2950.\n'

test('many files that are not read yet survive a reload, and what several recall is said over all', async ({
  page,
}) => {
  test.setTimeout(240_000)
  const folder = mkdtempSync(join(tmpdir(), 'statepack-many-'))
  const paths = Array.from({ length: 26 }, (_, i) => join(folder, `note ${i}.txt`))
  for (const [i, path] of paths.entries()) writeFileSync(path, `${FACTS}The locker ${i} is empty.\n`)
  await goTo(page, 'New cartridge')
  await chooseModel(page, /transformer/i)
  await choose(page, 'Add files', paths)
  await expect(page.getByText('26 files', { exact: true })).toBeVisible()
  await page.reload()
  await expect(page.getByText('26 files', { exact: true })).toBeVisible()
  await page.getByRole('radio', { name: 'One of all' }).click()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('All lockers')
  const start = page.getByRole('button', { name: 'Read it' })
  await expect(start).toBeEnabled()
  await start.click()
  const done = page.getByRole('heading', { name: /^Done/ })
  await expect(done).toBeVisible({ timeout: 120_000 })
  await page.getByRole('button', { name: 'Dismiss', exact: true }).click()
  await expect(done).toHaveCount(0)

  // Long enough to be checked.
  const prose = readFileSync(resolve(import.meta.dirname, '../../docs/verbs.md'), 'utf8')
  for (const [i, path] of paths.slice(0, 2).entries()) writeFileSync(path, prose.slice(1500 * i, 1500 * (i + 1)))
  await choose(page, 'Add files', paths.slice(0, 2))
  await page.getByRole('radio', { name: 'One cartridge each' }).click()
  await page.getByRole('button', { name: 'Read 2 texts' }).click()
  await expect(done).toHaveText('Done, 2 texts', { timeout: 120_000 })
  await expect(page.getByText(/^Together, the \d that were checked recall \d+ of \d+ of their sentences/)).toBeVisible()
})
