/** Where things stand: nothing floats, drops alone onto a line of its own, or lies over what it belongs to. */
import type { Locator, Page } from '@playwright/test'
import { ask, expect, goTo, insert, readText, showSide, test } from './fixtures.ts'

const LARGE = { width: 1280, height: 800 }
const SMALL = { width: 900, height: 600 }
async function boxOf(of: Locator) {
  const box = await of.boundingBox()
  if (box === null) throw new Error('It is not on screen.')
  return box
}
const topsOf = async (all: readonly Locator[]) => (await Promise.all(all.map(boxOf))).map(({ y }) => Math.round(y))

test('of a small window, the measured savings keep their choices beside the parts', async ({ page }) => {
  await page.setViewportSize(SMALL)
  await goTo(page, 'Savings')
  const groups = ['Part', 'Time'].map(name => page.getByRole('radiogroup', { name, exact: true }))
  const [parts, period] = await topsOf(groups)
  expect(period).toBe(parts)
})

test('the budgets of tiers side by side stand side by side', async ({ page }) => {
  await page.setViewportSize(LARGE)
  await goTo(page, 'Memory')
  const tops = await topsOf(
    ['hot', 'warm', 'cold'].map(tier => page.getByRole('slider', { name: `Budget of ${tier}` })),
  )
  expect(new Set(tops).size).toBe(1)
})

test('in a low window, how a text is read and the button that begins are seen at once', async ({ page }) => {
  await page.setViewportSize(SMALL)
  await goTo(page, 'New cartridge')
  await page.getByRole('textbox', { name: 'Paste text' }).fill('Facts:\nThe rent of the house Alder is 940.\n')
  await expect(page.getByRole('row', { name: /^Reading, about/ })).toBeVisible()
  const button = await boxOf(page.getByRole('button', { name: 'Read it' }))
  expect(button.y + button.height).toBeLessThanOrEqual(SMALL.height - 16)
  const above = await boxOf(page.getByText('Check what it recalls'))
  expect(above.y + above.height).toBeLessThanOrEqual(button.y)
})

/** Opens what is to be read before an export of the first cartridge. */
async function openExport(page: Page): Promise<Locator> {
  await goTo(page, 'Library')
  await page.getByRole('option').first().click()
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Export' }).click()
  const last = page.getByRole('dialog').getByRole('button', { name: 'Do not export' })
  await expect(last).toBeVisible()
  return last
}

test('what is decided at the end of a sheet stands at its end, however little there is to read', async ({ page }) => {
  for (const size of [LARGE, { width: 1280, height: 1600 }, SMALL]) {
    await page.setViewportSize(size)
    const last = await openExport(page)
    await expect
      .poll(async () => size.height - Math.round((await boxOf(last)).y + (await boxOf(last)).height))
      .toBeLessThanOrEqual(24)
    await page.keyboard.press('Escape')
    await expect(last).toHaveCount(0)
  }
})

/** Whether all of a text is seen. */
const isWhole = (of: Locator) =>
  of.evaluate(
    ({ scrollWidth, clientWidth, scrollHeight, clientHeight }) =>
      scrollWidth <= clientWidth && scrollHeight <= clientHeight,
  )

test('of a small window, names take the room that is there, and what a price rests on is read in full', async ({
  page,
}) => {
  await page.setViewportSize(SMALL)
  await goTo(page, 'Library')
  await page.getByRole('radio', { name: 'List' }).click()
  await page.getByRole('option').first().click()
  const row = page.getByRole('option', { name: /Station Halcyon, night shift/ })
  await row.scrollIntoViewIfNeeded()
  const badges = row.locator('.CartridgeRow-badges')
  const [name, figures] = [await boxOf(row.locator('.CartridgeRow-name')), await boxOf(badges)]
  const content = await badges.evaluate(({ children }) =>
    [...children].reduce((sum, child) => sum + child.getBoundingClientRect().width, 0),
  )
  expect(figures.width - content).toBeLessThan(1)
  expect(figures.x - name.x - name.width).toBeLessThanOrEqual(12)
  await row.dblclick()
  await expect(page.getByRole('heading', { level: 1, name: 'Ask' })).toBeVisible()
  const slot = page.getByRole('list', { name: 'In the slots' }).getByText('Station Halcyon, night shift')
  expect(await isWhole(slot)).toBe(true)

  await goTo(page, 'Savings')
  await page.getByRole('radio', { name: 'Prices' }).click()
  for (const size of [SMALL, LARGE]) {
    await page.setViewportSize(size)
    await expect(page.getByRole('textbox', { name: /^Source of/ })).toHaveCount(5)
    for (const field of await page.getByRole('table').getByRole('textbox').all())
      expect(await isWhole(field), (await field.getAttribute('aria-label')) ?? '').toBe(true)
  }
})

test('of a small window, long questions and names are read in full beside a conversation', async ({ page }) => {
  const question = 'Wann ist die Waschküche geöffnet, und wer hat den Schlüssel, wenn Frau Böttcher im Urlaub ist?'
  await page.setViewportSize(SMALL)
  await insert(page, 'Station Halcyon, night shift')
  await ask(page, question)
  await ask(page, 'Where is Nadia from?')
  await showSide(page, 'Timeline')
  const steps = page.getByRole('list', { name: 'Steps' }).getByRole('button')
  await expect(steps).toHaveCount(3)
  for (const step of await steps.all()) expect(await isWhole(step.locator('b'))).toBe(true)
  // Of a longer one, the whole is said where it is pointed at, and so it is of what a branch goes on from.
  const longer = `${question} ${question} ${question}`
  await ask(page, longer)
  await expect(steps).toHaveCount(4)
  const cut = steps.last().locator('b')
  expect(await isWhole(cut)).toBe(false)
  await expect(cut).toHaveAttribute('title', longer)
  await steps.nth(1).click()
  await ask(page, 'Who is the captain?')
  const branch = steps.filter({ hasText: 'Who is the captain?' })
  await expect(branch.getByTitle(`after “${question}”`)).toBeVisible()
  await showSide(page, 'Conversations')
  const name = page.getByRole('list', { name: 'Conversations' }).locator('b').first()
  expect((await boxOf(name)).height).toBeGreaterThan(30)
})

test('in a low window, what appears below what was pressed is brought into sight', async ({ page }) => {
  await page.setViewportSize(SMALL)
  await goTo(page, 'Library')
  await page.getByRole('option', { name: /Station card \(Mamba\)/ }).click()
  await page.getByRole('button', { name: 'Remix', exact: true }).click()
  await page.getByRole('radio', { name: 'Append' }).click()
  await page.getByRole('textbox', { name: 'What it should read next' }).fill('Oskar sells salt.\n')
  await page.getByRole('button', { name: 'Append', exact: true }).click()
  const result = page.getByRole('status').filter({ hasText: 'is in the library' })
  await expect(result.getByRole('button', { name: 'Ask it' })).toBeInViewport({ ratio: 1 })

  // Who has gone on to something else meanwhile is left there.
  await page.getByRole('textbox', { name: 'What it should read next' }).fill('Oskar sells pepper.\n')
  const name = page.getByRole('textbox', { name: 'Name of the new cartridge' })
  await name.fill('Pepper')
  const append = await page.getByRole('button', { name: 'Append', exact: true }).elementHandle()
  await name.evaluate((field, button) => {
    const pressed = button as HTMLElement
    pressed.focus()
    pressed.click()
    field.focus({ preventScroll: true })
    for (let around = field.parentElement; around !== null; around = around.parentElement) around.scrollTop = 0
  }, append)
  const later = page.getByRole('status').filter({ hasText: 'Pepper is in the library' })
  await expect(later).toHaveCount(1)
  await expect(later.getByRole('button', { name: 'Ask it' })).not.toBeInViewport({ ratio: 1 })

  await insert(page, 'Station Halcyon, night shift')
  for (const question of ['Where is Nadia from?', 'Who is the captain of Halcyon?']) await ask(page, question)
  await page.getByRole('button', { name: /^Edit/ }).last().click()
  await expect(page.getByRole('button', { name: 'Ask this instead' })).toBeInViewport({ ratio: 1 })
})

test('code to copy is read in full, and so is what two states with long names differ in', async ({ page }) => {
  const isUncut = (of: Locator) => of.evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)
  await page.setViewportSize(SMALL)
  await goTo(page, 'Server')
  for (const tab of await page.getByRole('tablist', { name: 'Clients' }).getByRole('tab').all()) {
    await tab.click()
    expect(await isUncut(page.getByRole('tabpanel').locator('pre'))).toBe(true)
  }
  const long = 'Hausordnung der Wohnungsbaugenossenschaft Grünstraße 14, gültig ab 1. März, mit Anlagen'
  for (const name of [`${long} A`, `${long} B`]) await readText(page, name, `Facts:\nThe rent of ${name} is 940.\n`)
  await page.getByRole('button', { name: 'Inspect', exact: true }).click()
  await page.getByRole('button', { name: 'Compare' }).click()
  await page.getByRole('combobox', { name: 'Compare with' }).fill(`${long} A`)
  await page.getByRole('option', { name: `${long} A` }).click()
  const compared = page.getByRole('region', { name: 'Components compared' })
  await expect(compared).toBeVisible()
  for (const box of [compared, page.getByRole('region', { name: 'View' })]) expect(await isUncut(box)).toBe(true)
  for (const name of ['A', 'B'])
    expect(await isWhole(compared.getByText(`${long} ${name}`, { exact: true }))).toBe(true)
})

test('what is stored and what is selected are not called the same', async ({ page }) => {
  await goTo(page, 'Library')
  await page.getByRole('option').first().click()
  await page.getByRole('listbox', { name: 'Cartridges' }).press('ControlOrMeta+a')
  const selection = page.getByRole('complementary', { name: 'Selection' })
  await expect(selection.getByRole('row', { name: /^Size/ })).toContainText('in all')
  await expect(selection.getByText('What they share is on disk once')).toBeVisible()
  const engine = page.getByRole('status', { name: /^Engine ready/ })
  await expect(engine).toContainText(/states\s·\s.+on disk/)
  await expect(engine).not.toContainText('cartridges')
})

test('of what can be done to a selection, the dangerous stands last', async ({ page }) => {
  await goTo(page, 'Library')
  await page.getByRole('option').first().click()
  await page.getByRole('listbox', { name: 'Cartridges' }).press('ControlOrMeta+a')
  const buttons = page.getByRole('complementary', { name: 'Selection' }).getByRole('button')
  await expect(buttons.last()).toHaveText('Delete')
  await expect(buttons.first()).toHaveText('Ask')
})

test('the newest receipt has the number of how many there are', async ({ page }) => {
  await goTo(page, 'Receipts')
  const all = page.getByRole('button', { name: /^All/ })
  const newest = page.getByRole('region', { name: 'Receipts, newest first' }).getByRole('link').first()
  await expect(newest).toBeVisible()
  const count = (await all.innerText()).replace(/\D/g, '')
  expect(Number(count)).toBeGreaterThan(0)
  await expect(newest.locator('.Timeline-seq')).toHaveText(count)
  await expect(page.getByRole('complementary', { name: 'Receipt' })).toContainText(`receipt ${count}`)
})
