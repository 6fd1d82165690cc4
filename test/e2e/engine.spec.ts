import { ask, expect, goTo, insert, test } from './fixtures.ts'

/** Only the words of a question are read, but these are as many as one may ask: reading them takes a second or more. */
const LONG_QUESTION = `${'The hatch is shut. '.repeat(1000)}When does the engine Vesper start?`

test('an engine killed in mid-answer is said, comes back, and answers again', async ({ page, studio }) => {
  await insert(page, 'Station card (Mamba)')
  await expect(await ask(page, 'What is the code of the hatch?')).toContainText('7341')

  const box = page.getByRole('textbox', { name: 'Question' })
  await box.fill(LONG_QUESTION)
  await box.press('Enter')
  await expect(page.getByRole('button', { name: 'Stop', exact: true })).toBeVisible()
  studio.killEngine()
  // Said where it happened, with the one thing to do.
  await expect(page.getByRole('alert').first()).toContainText(/stopped/)
  await expect(page.getByRole('button', { name: 'Ask again', exact: true })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Stop', exact: true })).toHaveCount(0)

  // It comes back by itself; what was asked before is still there.
  await expect(page.getByRole('status', { name: /^Engine ready/ })).toBeVisible()
  await expect(page.getByRole('heading', { name: 'What is the code of the hatch?' })).toBeVisible()
  const answer = await ask(page, 'When does the engine Vesper start?')
  await expect(answer).toContainText('22:15')
  await expect(answer).toContainText('not re-read')
  await goTo(page, 'Receipts')
  await page.getByRole('button', { name: 'Verify all' }).click()
  await expect(page.getByText(/^All [\d,]+ receipts hold/)).toBeVisible()
})

test('a reload in mid-answer keeps the question, to be asked again', async ({ page }) => {
  await insert(page, 'Station card (Mamba)')
  const box = page.getByRole('textbox', { name: 'Question' })
  await box.fill(LONG_QUESTION)
  await box.press('Enter')
  await expect(page.getByRole('button', { name: 'Stop', exact: true })).toBeVisible()
  await page.reload()
  // Answered meanwhile, being answered, or to be asked again: never gone, and never in the box as if it had not been asked.
  await expect(page.getByRole('heading', { name: LONG_QUESTION })).toBeVisible()
  await expect(box).toHaveValue('')
  const again = page.getByRole('button', { name: 'Ask again', exact: true })
  const answered = page.getByRole('article').filter({ hasText: 'tokens read' })
  await expect(again.or(answered).first()).toBeVisible({ timeout: 60_000 })
  if (await again.isVisible()) await again.click()
  await expect(answered).toHaveCount(1, { timeout: 60_000 })
})

test('two windows stay in step', async ({ page, studio }) => {
  const second = await studio.newWindow()
  const first = page.getByRole('option', { name: /Station card \(Mamba\)/ })
  await expect(second.getByRole('option', { name: /Station card \(Mamba\)/ })).toBeVisible()
  await first.click()
  await page.getByRole('listbox', { name: 'Cartridges' }).press('F2')
  await page.getByRole('textbox', { name: 'Name' }).fill('Renamed in one window')
  await page.getByRole('button', { name: 'Rename' }).click()
  const renamed = second.getByRole('option', { name: /Renamed in one window/ })
  await expect(renamed).toBeVisible()
  await renamed.click()
  await second.getByRole('listbox', { name: 'Cartridges' }).press('Delete')
  await expect(page.getByRole('option', { name: /Renamed in one window/ })).toHaveCount(0)
  await second.getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByRole('option', { name: /Renamed in one window/ })).toBeVisible()
  await second.close()
})
