import type { Page } from '@playwright/test'
import { ask, expect, goTo, insert, test } from './fixtures.ts'

const box = (page: Page) => page.getByRole('combobox', { name: /^Find a place/ })

async function open(page: Page): Promise<void> {
  await page.keyboard.press('ControlOrMeta+k')
  await expect(box(page)).toBeFocused()
}

/** Does what stands first for a text. */
async function command(page: Page, typed: string): Promise<void> {
  await open(page)
  await box(page).fill(typed)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog', { name: 'Commands' })).toHaveCount(0)
}

test('the palette acts on the selected cartridge, and Ctrl+Z takes a deletion back from anywhere', async ({ page }) => {
  const options = page.getByRole('listbox', { name: 'Cartridges' }).getByRole('option')
  const card = options.filter({ hasText: 'Station card (Mamba)' })
  await card.click()
  await command(page, 'inspect this')
  await expect(page.getByRole('heading', { level: 1, name: 'Inspect' })).toBeVisible()
  await command(page, 'ask this')
  await expect(page.getByRole('button', { name: 'Eject', exact: true })).toBeVisible()
  await command(page, 'mix this')
  await expect(page.getByRole('region', { name: 'Stage' })).toContainText('Station card (Mamba)')
  await command(page, 'verify')
  await expect(page.getByText('Reading its text again gave the same state.')).toBeVisible({ timeout: 60_000 })
  await command(page, 'rename')
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue('Station card (Mamba)')
  await page.keyboard.press('Escape')
  await goTo(page, 'Library')
  await card.click()
  await command(page, 'delete this')
  await expect(card).toHaveCount(0)
  await goTo(page, 'Models')
  await page.keyboard.press('ControlOrMeta+z')
  await goTo(page, 'Library')
  await expect(card).toHaveCount(1)
})

test('a few letters find parts of places, settings, models and questions, and are marked', async ({ page }) => {
  await insert(page, 'Station card (Mamba)')
  await ask(page, 'Who is the captain of Halcyon?')
  await goTo(page, 'Library')
  await open(page)
  await expect(page.getByRole('option', { name: /Who is the captain of Halcyon/ })).toBeVisible()
  await box(page).fill('calculatr')
  const calculator = page.getByRole('option', { name: 'Savings: Calculator' })
  await expect(calculator).toHaveAttribute('aria-selected', 'true')
  expect((await calculator.locator('mark').allInnerTexts()).join('').toLowerCase()).toBe('calculatr')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('radio', { name: 'Calculator' })).toBeChecked()
  await command(page, 'settings keys')
  await expect(page.getByRole('heading', { name: 'Keys', exact: true })).toBeFocused()
  await expect(page.getByRole('heading', { name: 'Keys', exact: true })).toBeInViewport()
  // Only the page has moved, not the window's frame with it.
  await expect(page.getByRole('heading', { level: 1, name: 'Settings' })).toBeInViewport()
  // One count of cartridges: the answer above left a state, which is none.
  const count = (await page.getByText(/^\d+ cartridges ·/).innerText()).split(' ')[0]
  await expect(page.getByText(new RegExp(`^${count} cartridges$`))).toBeVisible()
  await command(page, 'starter mamba new')
  await expect(page.getByRole('button', { name: /Model for new cartridges/ })).toContainText(/mamba/i)
  await command(page, 'captain halcyon')
  await expect(page.getByRole('heading', { name: 'Who is the captain of Halcyon?' })).toBeVisible()
})
