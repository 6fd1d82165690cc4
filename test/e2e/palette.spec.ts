import type { Locator, Page } from '@playwright/test'
import { ask, expect, goTo, insert, test } from './fixtures.ts'

const box = (page: Page) => page.getByRole('combobox', { name: /^Find a place/ })

async function open(page: Page): Promise<void> {
  // A window that was just opened listens to no key yet.
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.keyboard.press('ControlOrMeta+k')
  await expect(box(page)).toBeFocused()
}

/** It is drawn as chosen, the only one, and said to be by the field. */
async function expectChosen(page: Page, option: Locator): Promise<void> {
  await expect(option).toHaveAttribute('data-focused', 'true')
  await expect(
    page.getByRole('dialog', { name: 'Commands' }).locator('[data-focused="true"][role="option"]'),
  ).toHaveCount(1)
  await expect(box(page)).toHaveAttribute('aria-activedescendant', (await option.getAttribute('id')) ?? '')
}

/** The engine's answers to a search wait until the returned function is called. */
async function holdSearches(page: Page): Promise<() => void> {
  test.skip(test.info().project.name === 'electron', 'what goes through the preload script cannot be held')
  let release = () => {}
  const released = new Promise<void>(done => {
    release = done
  })
  await page.route('**/rpc/library.list', async route => {
    if (/"query":"[^"]/.test(route.request().postData() ?? '')) await released
    await route.continue()
  })
  return release
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
  await expectChosen(page, calculator)
  expect((await calculator.locator('mark').allInnerTexts()).join('').toLowerCase()).toBe('calculatr')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('radio', { name: 'Calculator' })).toBeChecked()
  await command(page, 'settings keys')
  await expect(page.getByRole('heading', { name: 'Keys', exact: true })).toBeFocused()
  await expect(page.getByRole('heading', { name: 'Keys', exact: true })).toBeInViewport()
  // Only the page has moved, not the window's frame with it.
  await expect(page.getByRole('heading', { level: 1, name: 'Settings' })).toBeInViewport()
  // What is stored is called the same in both places. The answer above left a state, which is no cartridge.
  const [, states, size] = /(\d+)\sstates\s·\s(.+ on disk)/.exec(await page.locator('.Engine').innerText()) ?? []
  await expect(page.getByRole('row', { name: /^Stored states/ })).toContainText(`${states}, ${size}`)
  const cartridges = await page.getByRole('row', { name: /^Library/ }).innerText()
  expect(Number(states)).toBeGreaterThan(Number(/\d+/.exec(cartridges)?.[0]))
  await command(page, 'starter mamba new')
  await expect(page.getByRole('button', { name: /Model for new cartridges/ })).toContainText(/mamba/i)
  await command(page, 'captain halcyon')
  await expect(page.getByRole('heading', { name: 'Who is the captain of Halcyon?' })).toBeVisible()
})

test('arrows, Home, End and pages move what is chosen, and each other text begins with its first', async ({ page }) => {
  // It opens below a mouse that rests.
  await page.mouse.move(640, 300)
  await open(page)
  const options = page.getByRole('dialog', { name: 'Commands' }).getByRole('option')
  await expectChosen(page, options.first())
  await expect(page.getByRole('group', { name: 'Go to' }).getByRole('option', { name: /^Savings/ })).toHaveCount(1)
  const { keyboard } = page
  await keyboard.press('ArrowDown')
  await expectChosen(page, options.nth(1))
  await keyboard.press('ArrowUp')
  await expectChosen(page, options.first())
  await keyboard.press('End')
  await expectChosen(page, options.last())
  await expect(options.last()).toBeInViewport()
  await keyboard.press('Home')
  await expectChosen(page, options.first())
  await keyboard.press('PageDown')
  await expect(options.first()).not.toHaveAttribute('data-focused')
  await keyboard.press('PageUp')
  await expectChosen(page, options.first())

  await keyboard.type('se')
  await expectChosen(page, options.first())
  await keyboard.press('ArrowDown')
  await expectChosen(page, options.nth(1))
  await keyboard.type('t')
  await expectChosen(page, options.first())
  await keyboard.press('ArrowDown')
  await keyboard.press('Backspace')
  await expectChosen(page, options.first())
  await keyboard.press('ArrowDown')
  // The caret goes where it is sent, and what is chosen stays.
  await keyboard.press('ArrowLeft')
  await expectChosen(page, options.nth(1))
  await keyboard.press('Home')
  await options.nth(2).hover()
  await expectChosen(page, options.nth(2))
})

test('Escape leaves everything as it was, and gives the focus back', async ({ page }) => {
  const search = page.getByRole('searchbox', { name: 'Search the library' })
  await search.focus()
  await open(page)
  await page.keyboard.type('settings')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(search).toBeFocused()
  await expect(page.getByRole('heading', { level: 1, name: 'Library' })).toBeVisible()
  await open(page)
  await expect(box(page)).toHaveValue('')
  await page.keyboard.press('Escape')
})

test('Enter at once does what was typed, whatever the engine still looks for', async ({ page }) => {
  await page.keyboard.press('ControlOrMeta+k')
  await page.keyboard.press('Escape')
  const release = await holdSearches(page)
  const dialog = page.getByRole('dialog', { name: 'Commands' })
  await command(page, 'inspect')
  await expect(page.getByRole('heading', { level: 1, name: 'Inspect' })).toBeVisible()
  await open(page)
  // Nothing here has these words: Enter waits for what the engine finds.
  await page.keyboard.type('zzzz')
  await page.keyboard.press('Enter')
  await expect(dialog).toBeVisible()
  await expect(dialog.getByText('Nothing is called that.')).toHaveCount(0)
  await box(page).fill('noodles')
  await page.keyboard.press('Enter')
  await expect(dialog).toBeVisible()
  release()
  await expect(dialog).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Eject', exact: true })).toBeVisible()
})

test('what is found later does not move what is chosen', async ({ page }) => {
  const release = await holdSearches(page)
  await open(page)
  await box(page).fill('station')
  const options = page.getByRole('dialog', { name: 'Commands' }).getByRole('option')
  await expect(options).not.toHaveCount(0)
  // Less how long ago something was, which goes on.
  const texts = async () => (await options.allInnerTexts()).map(text => text.replace(/just now|\d+ min ago/, ''))
  const before = await texts()
  await page.keyboard.press('End')
  await expectChosen(page, options.nth(before.length - 1))
  release()
  await expect.poll(() => options.count()).toBeGreaterThan(before.length)
  expect((await texts()).slice(0, before.length)).toEqual(before)
  await expectChosen(page, options.nth(before.length - 1))
  await page.keyboard.press('Escape')
})
