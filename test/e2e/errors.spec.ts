import { ask, expect, insert, test } from './fixtures.ts'

test('an error says what happened and what it means, has the button that helps, and folds the words of the machine', async ({
  page,
}) => {
  await page.evaluate(() => {
    location.hash = `/inspect/${encodeURIComponent(`sha256:${'0'.repeat(64)}`)}`
  })
  const error = page.getByRole('alert')
  await expect(error.getByRole('heading', { name: 'It is not there.' })).toBeVisible()
  await expect(error).toContainText('There is no cartridge')
  await expect(error).toContainText('Another window may have deleted it')
  const code = error.getByText('E_NOT_FOUND')
  await expect(code).toBeHidden()
  await error.getByText('Details').click()
  await expect(code).toBeVisible()
  await error.getByRole('button', { name: 'Look in the library' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Library' })).toBeVisible()
  await expect(error).toHaveCount(0)
})

test('a cartridge that is gone is said once, where it would be asked, and nothing waits for it', async ({ page }) => {
  await insert(page, 'Station card (Mamba)')
  await ask(page, 'Who is the captain of Halcyon?')
  await page.evaluate(() => {
    location.hash = `/ask/${encodeURIComponent(`sha256:${'0'.repeat(64)}`)}`
  })
  await expect(page.getByRole('alert').filter({ hasText: 'It is not there.' })).toHaveCount(1)
  await expect(page.getByText('One moment')).toHaveCount(0)
  expect(await page.locator('[data-sonner-toast]').allTextContents()).toEqual([])
})
