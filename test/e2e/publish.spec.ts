/** The form that publishes says in words what it cannot do, keeps what was typed, and sends nothing before it can. */
import type { Page } from '@playwright/test'
import { startTestHub, type TestHub } from '../engine/share/testHub.ts'
import { expect, goTo, readText, test } from './fixtures.ts'

const TOKEN = 'hf_reads'
const NAME = 'Pier notes'
const TEXT = 'Facts:\nThe manager of Harbor Coffee is Lena Ortiz.\nAnders likes olives.\n'
let hub: TestHub

test.beforeAll(async () => {
  hub = await startTestHub({ [TOKEN]: { owner: 'ada', mayWrite: false } })
  process.env.HF_TOKEN = TOKEN
})
test.afterAll(async () => {
  delete process.env.HF_TOKEN
  await hub.close()
})

async function openForm(page: Page) {
  await goTo(page, 'Library')
  await page.getByRole('option', { name: NAME }).click()
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Export' }).click()
  const sheet = page.getByRole('dialog')
  await sheet.getByText('Publish it in a registry or on the hub').click()
  const field = (name: string) => sheet.getByRole('textbox', { name })
  const publish = sheet.getByRole('button', { name: 'Publish' })
  const refused = async (to: string, why: RegExp) => {
    await field('Where to').fill(to)
    await publish.click()
    await expect(sheet.getByRole('alert').filter({ hasText: why })).toBeVisible({ timeout: 60_000 })
    await expect(field('Where to')).toHaveValue(to)
    await expect(publish).toBeEnabled()
  }
  return { sheet, field, publish, refused }
}

test('a place that is none, a name that is none, and a server that is not there are refused in words', async ({
  page,
}) => {
  await readText(page, NAME, TEXT)
  const { field, publish, sheet, refused } = await openForm(page)
  await expect(publish).toBeDisabled()
  await refused('handbook', /it must begin with the registry/)
  await refused('ghcr.io/You/Handbook', /a repository is lower-case words/)
  await refused('https://example.org/x.cartridge', /is no place to publish at|is no place in a registry/)
  await refused('localhost:1/you/handbook:v1', /reach|connect|network/i)

  // A catalogue wants a name that it can be called by there.
  await field('Enter it in your catalogue').fill('ghcr.io/you/catalogue')
  await expect(publish).toBeDisabled()
  await field('Called there').fill('Not a name')
  await expect(sheet.getByText('Like you/handbook: lower-case letters, digits, dots, - and _.')).toBeVisible()
  await expect(publish).toBeDisabled()
  await field('Called there').fill('you/handbook')
  await expect(publish).toBeEnabled()
  await sheet.getByRole('button', { name: 'Do not export' }).click()
  await expect(sheet).toHaveCount(0)
})

test('a hub that lets nobody write with this token says so, and has got nothing', async ({ page }) => {
  await goTo(page, 'Settings')
  const address = page.getByRole('textbox', { name: 'Address of the model hub' })
  await address.fill(hub.endpoint)
  await address.press('Enter')
  await expect(page.getByText(`Model hub: ${hub.endpoint}.`)).toBeVisible()
  const { sheet, refused } = await openForm(page)
  await refused('hf://ada/pier-notes', /token|allow|may not|write/i)
  expect(hub.repositories.size).toBe(0)
  expect(hub.stored).toEqual([])
  await sheet.getByRole('button', { name: 'Do not export' }).click()
  await goTo(page, 'Receipts')
  await expect(page.getByText('Published a cartridge')).toHaveCount(0)
})
