/** A figure that the window shows in two places is the same in both. */
import type { Locator } from '@playwright/test'
import { ask, chooseModel, expect, goTo, insert, test } from './fixtures.ts'

const NOTES = Array.from({ length: 12 }, (_, i) => `The locker ${i} on the pier is empty and painted green.`).join('\n')
const QUESTION = 'Which colour is the locker 3?'

/** What a table of facts says of something. */
const fact = (place: Locator, label: string) =>
  place.getByRole('row').filter({ has: place.page().getByRole('rowheader', { name: label }) })

/** `76.2 kB` as bytes. */
function bytesIn(text: string): number {
  const [, figure = '', unit = ''] = /([\d.,]+)\s(B|kB|MB)/.exec(text) ?? []
  return Number(figure) * { B: 1, kB: 1e3, MB: 1e6 }[unit as 'B' | 'kB' | 'MB']
}

test('tokens and size that are estimated are those of the cartridge', async ({ page }) => {
  await goTo(page, 'New cartridge')
  await chooseModel(page, /transformer/i)
  await page.getByRole('textbox', { name: 'Paste text' }).fill(NOTES)
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Lockers')
  const pane = page.getByRole('complementary', { name: 'How to read it' })
  await expect(fact(pane, 'Size, about')).toContainText('kB')
  const tokens = (await pane.getByText(/^[\d,]+ tokens$/).innerText()).split(' ')[0] ?? ''
  const estimated = bytesIn(await fact(pane, 'Size, about').innerText())
  await page.getByRole('button', { name: 'Read it' }).click()
  await expect(page.getByRole('heading', { name: 'Done' })).toBeVisible()
  const made = page.getByRole('table', { name: 'How Lockers was made' })
  await expect(fact(made, 'Read')).toContainText(`${tokens} tokens in `)
  await expect(fact(made, 'Each question avoids')).toContainText(`${tokens} tokens`)
  const size = bytesIn(await fact(made, 'Size').innerText())
  expect(Math.abs(size - estimated) / estimated).toBeLessThan(0.05)
  await page.getByRole('button', { name: 'Show in the library' }).click()
  const details = page.getByRole('complementary', { name: 'Cartridge' })
  await expect(fact(details, 'Read once')).toContainText(`${tokens} tokens`)
  expect(bytesIn(await fact(details, 'Size').innerText())).toBe(size)
})

test('a question is counted as it is read, and its receipt names the cartridge', async ({ page }) => {
  await insert(page, 'Harbor Coffee handbook')
  const count = page.locator('.Composer-count')
  for (const _ of ['first', 'again']) {
    await page.getByRole('textbox', { name: 'Question' }).fill(QUESTION)
    await expect(count).toContainText('tokens')
    const counted = (await count.innerText()).split(/\s/)[0]
    await expect(await ask(page, QUESTION)).toContainText(`${counted} tokens read`)
  }
  await goTo(page, 'Receipts')
  const newest = page.getByRole('region', { name: 'Receipts, newest first' }).getByRole('link').first()
  await expect(newest).toContainText('Answered from a state Harbor Coffee handbook')

  // As many as the cartridge says are listed for it, and stay so while one looks at them.
  await goTo(page, 'Library')
  await page.getByRole('option', { name: 'Harbor Coffee handbook' }).first().click()
  const receipts = fact(page.getByRole('complementary', { name: 'Cartridge' }), 'Receipts').getByRole('button')
  const number = await receipts.innerText()
  expect(Number(number)).toBeGreaterThan(2)
  await receipts.click()
  const chosen = page.getByRole('button', { name: /^Harbor Coffee handbook/ })
  await expect(chosen).toHaveText(`Harbor Coffee handbook${number}`)
  await page.getByRole('region', { name: 'Receipts, newest first' }).getByRole('link').nth(1).click()
  await expect(chosen).toHaveAttribute('aria-pressed', 'true')
  await page.getByRole('button', { name: /^All/ }).click()
  await expect(chosen).toHaveCount(0)
})

test('every part of a cartridge has the layers of its model', async ({ page }) => {
  await goTo(page, 'Inspect')
  const list = page.getByRole('listbox', { name: 'Components of the state' })
  const layers = /\d+\slayers/.exec(await list.getByRole('option').first().innerText())?.[0] ?? ''
  expect(layers).not.toBe('')
  const weights = list.getByRole('option').filter({ hasText: /\d+\slayers/ })
  await expect(weights).toHaveCount(3)
  for (const option of await weights.all()) await expect(option).toContainText(layers)
})
