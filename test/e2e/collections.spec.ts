/** Cartridges that belong together are one object in the library. */
import type { Page } from '@playwright/test'
import { expect, goTo, readText, test } from './fixtures.ts'
import { violationsOf } from './violationsOf.ts'

const cartridges = (page: Page) => page.getByRole('listbox', { name: 'Cartridges' })
const LONG = Array.from({ length: 190 }, (_, i) => `The locker ${i} on the pier is empty and painted green.`).join(
  '\n\n',
)

test('a text split in parts is one stack in the library, with its parts inside', async ({ page }) => {
  await readText(page, 'Pier log', LONG, /transformer/i)
  await goTo(page, 'Library')
  const stack = cartridges(page).getByRole('option', { name: /Pier log/ })
  await expect(stack).toHaveCount(1)
  await expect(stack).toContainText(/\d\scartridges/)
  await stack.click()
  const pane = page.getByRole('complementary', { name: 'Collection' })
  const parts = pane.getByRole('list', { name: 'Its cartridges' }).getByRole('listitem')
  await expect(parts.nth(1)).toBeVisible()
  await page.screenshot({ path: test.info().outputPath('collection.png') })
  // The palette calls it by its name, too.
  await page.keyboard.press('ControlOrMeta+k')
  await expect(page.getByRole('option', { name: 'Ask Pier log' })).toHaveCount(1)
  await page.getByRole('combobox', { name: /^Find a place/ }).fill('pier log')
  await expect(page.getByRole('option', { name: /^Ask Pier log\D*[\d,]+\stok$/ })).toHaveCount(1)
  await page.keyboard.press('Escape')
  expect(await violationsOf(page)).toEqual([])
  await parts.first().getByRole('button').click()
  await page.getByRole('button', { name: 'Pier log', exact: true }).click()
  await expect(pane).toBeVisible()
  await page.getByRole('radio', { name: 'List' }).click()
  await expect(stack).toContainText(/\d\scartridges/)
  await page.getByRole('radio', { name: 'Grid' }).click()
})

test('a collection is made, renamed, dissolved and deleted by keyboard, each with its undo', async ({ page }) => {
  await goTo(page, 'Library')
  await page.getByRole('searchbox', { name: 'Search the library' }).fill('mamba')
  const options = cartridges(page).getByRole('option')
  await expect(options.first()).toContainText('starter-mamba')
  const before = await options.count()
  expect(before).toBeGreaterThan(2)
  await cartridges(page).focus()
  await page.keyboard.press('Home')
  await page.keyboard.press('Control+a')
  await page.getByRole('button', { name: 'Make a collection' }).click()
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('All notes')
  await page.keyboard.press('Enter')
  await expect(options).toHaveCount(1)
  await cartridges(page).focus()
  await page.keyboard.press('Home')
  await page.keyboard.press('F2')
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('Notes')
  await page.keyboard.press('Enter')
  await expect(options).toContainText('Notes')
  await expect(options).toContainText(`${before} cartridges`)
  await cartridges(page).focus()
  await page.keyboard.press('Delete')
  await expect(options).toHaveCount(0)
  await page.keyboard.press('Control+z')
  await expect(options).toHaveCount(1)
  const dissolve = async () => {
    await options.click()
    await page.getByRole('button', { name: 'More', exact: true }).click()
    await page.getByRole('menuitem', { name: /^Dissolve/ }).click()
    await expect(options).toHaveCount(before)
  }
  await dissolve()
  await page.keyboard.press('Control+z')
  await expect(options).toHaveCount(1)
  await dissolve()
})
