/** Settings, Keys: the signing key carried to another machine, replaced, given up; each by its dialog. */
import { readFile } from 'node:fs/promises'
import type { Locator, Page } from '@playwright/test'
import { expect, goTo, test } from './fixtures.ts'

const PASSPHRASE = 'correct horse battery'

async function openKeys(page: Page): Promise<Locator> {
  await goTo(page, 'Settings')
  const panel = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Keys', exact: true }) })
  await expect(panel).toBeVisible()
  return panel
}

/** Opens the dialog of a button of the panel. */
async function open(page: Page, button: string, title: string): Promise<Locator> {
  await (await openKeys(page)).getByRole('button', { name: button, exact: true }).click()
  const dialog = page.getByRole('dialog', { name: title })
  await expect(dialog).toBeVisible()
  return dialog
}

const keyOf = async (page: Page) => (await openKeys(page)).locator('.mono').first().innerText()

test('a key goes to another machine in a file that only its passphrase opens', async ({ page, elsewhere }) => {
  const key = await keyOf(page)
  const exporting = await open(page, 'Export', 'Export the signing key')
  const passphrase = exporting.getByRole('textbox', { name: 'Passphrase' })
  await passphrase.fill('short')
  await expect(exporting.getByRole('button', { name: 'Export' })).toBeDisabled()
  await passphrase.fill(PASSPHRASE)
  const download = page.waitForEvent('download')
  await passphrase.press('Enter')
  const file = await (await download).path()
  await expect(exporting).toHaveCount(0)
  const sealed = await readFile(file, 'utf8')
  expect(JSON.parse(sealed)).toMatchObject({ version: 'state-pack-key-v1', cipher: 'aes-256-gcm' })
  expect(sealed).not.toContain('PRIVATE KEY')

  const there = elsewhere.page
  expect(await keyOf(there)).not.toBe(key)
  const importing = await open(there, 'Import', 'Import a signing key')
  await importing.locator('input[type=file]').setInputFiles(file)
  await importing.getByRole('textbox', { name: 'Passphrase' }).fill('another passphrase')
  await importing.getByRole('button', { name: 'Import' }).click()
  await expect(importing.locator('.Field-error')).not.toBeEmpty()
  // What was chosen stays for the next try.
  await importing.getByRole('textbox', { name: 'Passphrase' }).fill(PASSPHRASE)
  await importing.getByRole('button', { name: 'Import' }).click()
  await expect(importing).toHaveCount(0)
  await expect.poll(() => keyOf(there)).toBe(key)
})

test('a key is replaced by one that it signs for; Cancel and Esc leave it', async ({ page }) => {
  const key = await keyOf(page)
  const asking = await open(page, 'Replace', 'Replace the signing key')
  await asking.getByRole('button', { name: 'Cancel' }).click()
  await expect(asking).toHaveCount(0)
  await open(page, 'Replace', 'Replace the signing key')
  await page.keyboard.press('Escape')
  await expect(asking).toHaveCount(0)
  expect(await keyOf(page)).toBe(key)
  await (await open(page, 'Replace', 'Replace the signing key')).getByRole('button', { name: 'Replace' }).click()
  await expect(page.getByText('The one before has signed for it.')).toBeVisible()
  await expect.poll(() => keyOf(page)).not.toBe(key)
})

test('a revoked key leaves a certificate that names it', async ({ page }) => {
  const key = (await keyOf(page)).replace('…', '')
  const asking = await open(page, 'Revoke', 'Revoke the signing key')
  const download = page.waitForEvent('download')
  await asking.getByRole('button', { name: 'Revoke' }).click()
  const certificate = await readFile(await (await download).path(), 'utf8')
  expect((await download).suggestedFilename()).toBe(`revoked-${key.slice(0, 8)}.json`)
  expect(JSON.parse(certificate)).toMatchObject({ payloadType: expect.stringMatching(/^application\//) })
  await expect(asking).toHaveCount(0)
  await expect.poll(() => keyOf(page)).not.toContain(key)
})
