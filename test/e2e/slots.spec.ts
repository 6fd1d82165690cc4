/** Several cartridges in the slots: a long text as one collection, asked by route and each, kept as it was. */
import type { Page } from '@playwright/test'
import { answerTo, ask, expect, goTo, insert, readText, showSide, test } from './fixtures.ts'
import { violationsOf } from './violationsOf.ts'

const PHONE = 'What is the phone of Harbor Coffee?'
const CAPTAIN = 'Who is the captain of Halcyon?'
/** Two parts: the coffee house stands in the first, the station in the second. */
const LONG = [
  'The manager of Harbor Coffee is Lena Ortiz. The phone of Harbor Coffee is 555-0142.',
  ...Array.from({ length: 110 }, (_, i) => `The locker ${i} on the pier is empty and painted green.`),
  'The captain of Halcyon is Yuki Tanabe. The engine Vesper starts at 22:15.',
].join('\n\n')

const cartridges = (page: Page) => page.getByRole('listbox', { name: 'Cartridges' })
const slots = (page: Page) => page.getByRole('list', { name: 'In the slots' }).getByRole('listitem')
const answers = (page: Page, question: string) => answerTo(page, question).locator('.Answer')

test('a text split in parts is one collection: asked by route and each, side by side, still there after a reload', async ({
  page,
}) => {
  await readText(page, 'Pier log', LONG, /transformer/i)
  await page.getByRole('button', { name: 'Ask all 2' }).click()
  await expect(slots(page)).toHaveCount(1)
  await expect(slots(page)).toContainText('Pier log')

  await goTo(page, 'Library')
  const stack = cartridges(page).getByRole('option', { name: /Pier log/ })
  await expect(stack).toHaveCount(1)
  await expect(stack).toContainText('2 cartridges')
  await stack.click()
  const pane = page.getByRole('complementary', { name: 'Collection' })
  await expect(pane.getByRole('list', { name: 'Its cartridges' }).getByRole('listitem')).toHaveCount(2)
  await expect(pane.getByRole('row', { name: /^Size/ })).toContainText('in all')
  await expect(pane.getByText('What they share is on disk once')).toBeVisible()
  expect(await violationsOf(page)).toEqual([])
  await pane.getByRole('button', { name: 'Ask this collection' }).click()

  await expect(slots(page)).toHaveCount(1)
  await expect(slots(page)).toContainText('Pier log')
  await page.getByRole('radio', { name: 'Route' }).click()
  await ask(page, CAPTAIN)
  await expect(answers(page, CAPTAIN)).toHaveCount(1)
  await expect(answers(page, CAPTAIN)).toContainText('Pier log, part 2 of 2')
  await expect(answers(page, CAPTAIN)).toContainText(/Asked of 2, because it knows [\d.]+\s%/)
  await ask(page, PHONE)
  await expect(answers(page, PHONE)).toContainText('Pier log, part 1 of 2')

  await page.getByRole('radio', { name: 'Ask each' }).click()
  await ask(page, CAPTAIN)
  await expect(answers(page, CAPTAIN)).toHaveCount(2)
  for (const [place, part] of ['part 1 of 2', 'part 2 of 2'].entries()) {
    await expect(answers(page, CAPTAIN).nth(place)).toContainText(part)
    await expect(answers(page, CAPTAIN).nth(place)).toContainText(/tokens read.*not re-read/)
  }
  expect(await violationsOf(page)).toEqual([])
  const told = await page.getByRole('article').allInnerTexts()
  await page.reload()
  await expect(page.getByRole('article')).toHaveCount(3)
  expect(await page.getByRole('article').allInnerTexts()).toEqual(told)
  await expect(slots(page)).toContainText('Pier log')
  await expect(page.getByRole('radio', { name: 'Ask each' })).toBeChecked()
  await showSide(page, 'Conversations')
  await expect(page.getByRole('list', { name: 'Conversations' })).toContainText('Pier log')
})

test('a question that is about none of them is left alone, and can be asked all the same', async ({ page }) => {
  await insert(page, 'Harbor Coffee card')
  await showSide(page, 'Cartridges')
  await page.getByRole('button', { name: 'Add Station card' }).first().click()
  await expect(slots(page)).toHaveCount(2)
  await page.getByRole('radio', { name: 'Route' }).click()
  const strange = 'How tall is the lighthouse of Skagen?'
  const box = page.getByRole('textbox', { name: 'Question' })
  await box.fill(strange)
  await box.press('Enter')
  await expect(page.getByText('None of the 2 cartridges is about this.')).toBeVisible()
  await page.getByRole('button', { name: 'Ask each', exact: true }).click()
  await expect(answers(page, strange)).toHaveCount(2)
  await slots(page).first().getByRole('button', { name: 'Eject Harbor Coffee card' }).click()
  await expect(slots(page)).toHaveCount(1)
  await expect(page.getByRole('button', { name: 'Eject', exact: true })).toBeVisible()
})
