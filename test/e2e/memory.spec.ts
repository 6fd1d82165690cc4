import type { Page } from '@playwright/test'
import { ask, expect, goTo, insert, test } from './fixtures.ts'

const NAME = 'Harbor Coffee handbook'
/** Not that of the state after an answer, which is called by it. */
const holding = (page: Page) =>
  page
    .getByRole('region', { name: 'What is in memory' })
    .getByRole('row')
    .filter({ has: page.getByRole('link', { name: NAME, exact: true }) })
const pin = (page: Page) => page.getByRole('button', { name: `Keep ${NAME} in memory` })

test('what is in memory is shown live in two windows: asked, pinned, purged, and budgeted by keyboard', async ({
  page,
  studio,
}) => {
  await goTo(page, 'Memory')
  const other = await studio.newWindow()
  await insert(other, NAME)
  await ask(other, 'Who is the manager of Harbor Coffee?')

  // Asked there, seen here: the buffers it ran in, why, the model that ran it, and the move.
  await expect(holding(page)).toContainText('a session began')
  await expect(page.getByRole('region', { name: 'Models in memory' })).toContainText('starter-transformer')
  await expect(page.getByRole('region', { name: 'Moves between tiers' })).toContainText(NAME)
  await expect(page.getByText(/% of [\d,]+ reads? were served from memory/)).toBeVisible()

  await goTo(other, 'Memory')
  await pin(page).focus()
  await page.keyboard.press('Space')
  await expect(pin(page)).toHaveAttribute('aria-pressed', 'true')
  await expect(pin(other)).toHaveAttribute('aria-pressed', 'true')
  await expect(holding(other)).toContainText('Pinned')

  // What is pinned stays; all else goes.
  for (const tier of ['hot', 'warm']) {
    const purge = other.getByRole('button', { name: `Purge what is not used in ${tier}` })
    await purge.focus()
    await other.keyboard.press('Enter')
    await expect(purge).toBeDisabled()
  }
  await expect(holding(page)).toBeVisible()
  await expect(page.getByRole('list', { name: /^Hot: / })).toContainText('Idle 0 B')

  // Each key is one round figure; it is spoken as it reads, and the other window has it, too.
  const budget = (of: Page) => of.getByRole('slider', { name: 'Budget of hot' })
  const before = await budget(page).getAttribute('aria-valuetext')
  expect(before).toMatch(/^\d[\d.,]*\s[MG]B$/)
  await budget(page).focus()
  await page.keyboard.press('ArrowRight')
  await expect(budget(page)).not.toHaveAttribute('aria-valuetext', before ?? '')
  const after = (await budget(page).getAttribute('aria-valuetext')) ?? ''
  await expect(budget(other)).toHaveAttribute('aria-valuetext', after)
  await expect(page.getByText(`of ${after}`, { exact: true })).toBeVisible()

  // The disk: what is stored is counted and stays; the budget follows the disk until somebody sets it, and again when asked to.
  const cold = (of: Page) => of.getByRole('slider', { name: 'Budget of cold' })
  await expect(page.getByRole('list', { name: /^Cold: / })).toContainText(/Stored \d[\d.,]*\s[kMG]B/)
  await expect(page.getByText('The budget follows the disk', { exact: false })).toBeVisible()
  await cold(page).focus()
  await page.keyboard.press('Home')
  await expect(cold(other)).toHaveAttribute('aria-valuetext', '0\u00a0B')
  await expect(page.getByText('over its budget, by what is stored', { exact: false })).toBeVisible()
  await other.getByRole('button', { name: 'Let the budget follow the disk' }).click()
  await expect(cold(page)).not.toHaveAttribute('aria-valuetext', '0\u00a0B')

  // From the list to what it is.
  await holding(page).getByRole('link', { name: NAME }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Inspect' })).toBeVisible()
  await other.close()
})

test('the palette knows the place, and pinning from it reads the cartridge into memory', async ({ page }) => {
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.keyboard.press('ControlOrMeta+k')
  await expect(page.getByRole('dialog')).toBeVisible()
  await page.keyboard.type('tiers')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'Memory' })).toBeVisible()
  const box = page.getByRole('combobox', { name: 'Keep a cartridge in memory' })
  await box.fill('Night')
  await box.fill('Station Halcyon')
  await page.getByRole('option', { name: /Station Halcyon, night shift/ }).click()
  await expect(page.getByRole('button', { name: 'Keep Station Halcyon, night shift in memory' })).toHaveAttribute(
    'aria-pressed',
    'true',
  )
})
