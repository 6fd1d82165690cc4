import { answerTo, expect, goTo, test } from './fixtures.ts'

const QUESTION = 'What is the phone of Harbor Coffee?'

test('a question finds its cartridge, and goes along into the slot', async ({ page }) => {
  await goTo(page, 'Ask')
  const find = page.getByRole('button', { name: 'Find a cartridge for it' })
  await expect(find).toBeDisabled()
  const box = page.getByRole('textbox', { name: 'Question' })
  await box.fill('How tall is the lighthouse of Skagen?')
  await find.click()
  const suggested = page.getByRole('region', { name: 'Suggested cartridges' })
  await expect(suggested.getByRole('heading')).toHaveText(/^Nothing here is about this/)
  await suggested.getByRole('button', { name: 'Close suggestions' }).click()
  await expect(suggested).toHaveCount(0)

  await box.fill(QUESTION)
  await find.click()
  await expect(suggested.getByRole('heading')).toHaveText('This question is about')
  await page.screenshot({ path: test.info().outputPath('suggested.png') })
  await suggested
    .getByRole('button', { name: /Harbor Coffee/ })
    .first()
    .click()
  await expect(page.getByRole('button', { name: 'Eject', exact: true })).toBeVisible()
  await expect(box).toHaveValue(QUESTION)
  await expect(find).toHaveCount(0)
  await box.press('Enter')
  await expect(answerTo(page, QUESTION)).toContainText('555-0142')
})
