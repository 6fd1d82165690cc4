import { expect, goTo, test } from './fixtures.ts'

test('the palette acts on the selected cartridge, and Ctrl+Z takes a deletion back from anywhere', async ({ page }) => {
  const options = page.getByRole('listbox', { name: 'Cartridges' }).getByRole('option')
  const card = options.filter({ hasText: 'Station card (Mamba)' })
  const command = async (typed: string) => {
    await page.keyboard.press('ControlOrMeta+k')
    await page.getByRole('combobox', { name: 'Find a place, an action, a question or a cartridge' }).fill(typed)
    await page.keyboard.press('Enter')
    await expect(page.getByRole('dialog', { name: 'Commands' })).toHaveCount(0)
  }
  await card.click()
  await command('inspect this')
  await expect(page.getByRole('heading', { level: 1, name: 'Inspect' })).toBeVisible()
  await command('ask this')
  await expect(page.getByRole('button', { name: 'Eject', exact: true })).toBeVisible()
  await goTo(page, 'Library')
  await card.click()
  await command('delete this')
  await expect(card).toHaveCount(0)
  await goTo(page, 'Models')
  await page.keyboard.press('ControlOrMeta+z')
  await goTo(page, 'Library')
  await expect(card).toHaveCount(1)
})
