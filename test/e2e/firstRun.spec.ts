import { ask, expect, test } from './fixtures.ts'

test.use({ firstRun: true })

test('the first run ends its three steps with an answer, and the bare model does not know it', async ({ page }) => {
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Next' }).click()
  await expect(dialog.getByText('It came with the Studio')).toBeVisible()
  await dialog.getByRole('button', { name: 'Next' }).click()
  await dialog.getByRole('button', { name: 'Who is the manager of Harbor Coffee?' }).click()
  await expect(dialog.getByText('Lena Ortiz')).toBeVisible()
  await expect(dialog.getByText(/not re-read/)).toBeVisible()
  await dialog.getByRole('button', { name: 'Eject and ask again' }).click()
  await expect(dialog.getByText('Without the cartridge')).toBeVisible()
  await expect(dialog.getByText("I don't know")).toBeVisible()
  await expect(dialog.getByText(/tokens processed by the same model/)).toBeVisible()
  await page.screenshot({ path: test.info().outputPath('ejected.png') })
  await dialog.getByRole('button', { name: 'Go on asking' }).click()
  await expect(dialog).toHaveCount(0)
  // Both answers are in the conversation.
  await expect(page.getByRole('article').last()).toContainText("I don't know")

  await page.getByText('Compare without').click()
  const answer = await ask(page, 'When does the station Juniper open?')
  await expect(answer).toContainText('with the cartridge')
  await expect(answer).toContainText('without it')
  await expect(answer).toContainText("I don't know")

  await answer.getByRole('button', { name: 'Prove it' }).click()
  await expect(answer.getByRole('status')).toContainText('when everything is read again')

  // Not asked again in the next window.
  await page.reload()
  await expect(page.getByRole('heading', { name: 'Ask', level: 1 })).toBeVisible()
  await expect(page.getByRole('dialog')).toHaveCount(0)
})
