/** A file larger than any message between processes is chosen in a page's own dialog and taken in whole (`DEEP=1`). */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { takeApart } from '../engine/trust/forgery.ts'
import { writeLargeCartridge } from '../hosts/streams/largeCartridge.ts'
import { choose, expect, exportSelected, readText, test } from './fixtures.ts'

const MIB = 2 ** 20

// Said of the file, so that no Studio is opened for it.
test.skip(!process.env.DEEP, 'it writes and reads half a gigabyte')

test('a file of 208 MiB comes in by the file chooser of a page', async ({ page, studio }) => {
  await readText(page, 'Small one', 'The keeper of the lighthouse is Ines Falk.\n')
  await page.getByRole('button', { name: 'Show in the library' }).click()
  const [small, large] = [join(studio.home, 'small.cartridge'), join(studio.home, 'large.cartridge')]
  await (await exportSelected(page)).saveAs(small)
  await writeLargeCartridge(large, takeApart(await readFile(small)), 13)
  expect((await stat(large)).size).toBeGreaterThan(208 * MIB)

  const before = await page.getByRole('option').count()
  await choose(page, 'Import', [large])
  const review = page.getByRole('dialog')
  await expect(review).toContainText('Ines Falk', { timeout: 120_000 })
  await review.getByRole('button', { name: /^Import, / }).click()
  await expect(review).toHaveCount(0, { timeout: 120_000 })
  await expect(page.getByRole('option')).toHaveCount(before + 1)
})
