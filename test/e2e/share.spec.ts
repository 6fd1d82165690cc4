/** From one person to another: published by one, found, reviewed, trusted, asked and checked by the other. */
import type { Page } from '@playwright/test'
import { noRegistry, type StockRegistry, startStockRegistry } from '../engine/registry/stockRegistry.ts'
import { startTestHub, type TestHub } from '../engine/share/testHub.ts'
import { ask, expect, goTo, readText, test } from './fixtures.ts'

const TOKEN = 'hf_writes'
const TEXT =
  'Facts:\nThe manager of Harbor Coffee is Lena Ortiz.\nAnders likes olives.\nThe station Juniper opens at 6:30.\n'
const FOUND = { timeout: 60_000 }
let hub: TestHub
let registry: StockRegistry | null = null

test.beforeAll(async () => {
  hub = await startTestHub({ [TOKEN]: { owner: 'ada', mayWrite: true } })
  if (noRegistry === null) registry = await startStockRegistry()
  // Of whoever starts the Studio.
  process.env.HF_TOKEN = TOKEN
})
test.afterAll(async () => {
  delete process.env.HF_TOKEN
  await registry?.remove()
  await hub.close()
})

async function publish(
  page: Page,
  name: string,
  fields: Readonly<Record<string, string>>,
  isWithheld = false,
): Promise<void> {
  await goTo(page, 'Library')
  await page.getByRole('option', { name: new RegExp(name) }).click()
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Export' }).click()
  const sheet = page.getByRole('dialog')
  await expect(sheet.getByText('Text that anyone who gets it can read')).toBeVisible()
  await expect(sheet.getByRole('switch', { name: 'The receipt of its making goes along' })).toBeChecked()
  await expect(sheet.getByText('It tells: create', { exact: false })).toBeVisible()
  const withhold = sheet.getByRole('switch', { name: 'Withhold its texts, recipe and tokens' })
  await expect(withhold).not.toBeChecked()
  if (isWithheld) {
    await sheet.getByText('Withhold its texts, recipe and tokens').click()
    await expect(sheet.getByText('None as plain text. Its keys and values may still tell.')).toBeVisible()
  }
  await sheet.getByText('Publish it in a registry or on the hub').click()
  for (const [label, text] of Object.entries(fields)) await sheet.getByRole('textbox', { name: label }).fill(text)
  await sheet.getByRole('button', { name: 'Publish' }).click()
  await expect(page.getByText('Published')).toBeVisible(FOUND)
  await expect(sheet).toHaveCount(0)
}

/** From the card of what is offered to an answer and a check. */
async function take(page: Page, title: string): Promise<void> {
  await page.getByRole('button', { name: `Review ${title}` }).click()
  const review = page.getByRole('dialog')
  await expect(review.getByText('a publisher seen for the first time')).toBeVisible(FOUND)
  await expect(review).toContainText('Lena Ortiz')
  await expect(review).toContainText('Model installed')
  await review.getByRole('button', { name: 'Import, restricted' }).click()
  await expect(review).toHaveCount(0)
  await expect(page.getByRole('heading', { level: 1, name: 'Library' })).toBeVisible()
  const details = page.getByRole('complementary', { name: 'Cartridge' })
  await expect(details.getByRole('heading', { name: title })).toBeVisible()
  await expect(details.getByRole('button', { name: 'Ask this cartridge' })).toBeDisabled()
  await details.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Export' }).click()
  await expect(page.getByRole('dialog').getByText('It is not trusted yet.')).toBeVisible()
  await page.getByRole('dialog').getByRole('button', { name: 'Skip it' }).click()
  await details.getByRole('button', { name: 'Trust', exact: true }).click()
  await details.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Verify' }).click()
  await expect(page.getByText('Reading its text again gave the same state.')).toBeVisible(FOUND)
  await details.getByRole('button', { name: 'Ask this cartridge' }).click()
  await expect(await ask(page, 'What does Anders like?')).toContainText('olives')
}

/** A publisher who is blocked is neither listed nor taken, and the review says how to go on. */
async function blockAndUnblock(page: Page, title: string, address: string): Promise<void> {
  await page.getByRole('button', { name: `More about ${title}` }).click()
  // Bringing its button into view has not moved the rest of the card.
  const scrolled = page.getByRole('article', { name: title }).locator('.row')
  expect(await scrolled.evaluateAll(rows => rows.map(row => row.scrollLeft))).toEqual([0, 0])
  await page.getByRole('menuitem', { name: 'Block ada' }).click()
  await expect(page.getByRole('button', { name: `Review ${title}` })).toHaveCount(0)
  await page.getByRole('button', { name: 'Open an address' }).click()
  await page.getByRole('textbox', { name: 'Address' }).fill(address)
  await page.getByRole('dialog').getByRole('button', { name: 'Review' }).click()
  const review = page.getByRole('dialog')
  await expect(review.getByText('ada is blocked here.')).toBeVisible(FOUND)
  await expect(review.getByRole('button', { name: 'Import, restricted' })).toHaveCount(0)
  await review.getByRole('button', { name: 'Unblock ada' }).click()
  await expect(review.getByRole('button', { name: 'Import, restricted' })).toBeVisible(FOUND)
  await review.getByRole('button', { name: 'Do not import' }).click()
  await expect(review).toHaveCount(0)
}

async function useHub(page: Page): Promise<void> {
  await goTo(page, 'Settings')
  const address = page.getByRole('textbox', { name: 'Address of the model hub' })
  await expect(address).not.toHaveValue('')
  // Another test may have been here before: what is the same cannot be saved again.
  if ((await address.inputValue()) === hub.endpoint) return
  await address.fill(hub.endpoint)
  await address.press('Enter')
  await expect(page.getByText(`Model hub: ${hub.endpoint}.`)).toBeVisible()
}

test('what came with the app is reviewed, taken and asked', async ({ page }) => {
  await goTo(page, 'Community')
  const shipped = page.getByRole('region', { name: 'Came with the app' })
  await expect(shipped.getByRole('article')).toHaveCount(4)
  await expect(page.getByRole('searchbox')).toHaveCount(1)
  await page.keyboard.press('/')
  await page.keyboard.type('ferry')
  await expect(page.getByRole('searchbox', { name: 'Search the catalogues' })).toHaveValue('ferry')
  await expect(shipped.getByRole('article')).toHaveCount(1)
  await page.getByRole('button', { name: 'Review Harbour ferry' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Import and trust' }).click()
  await goTo(page, 'Community')
  await page.getByRole('button', { name: 'Ask Harbour ferry' }).click()
  await expect(await ask(page, 'Who is the captain of the ship Marlin?')).toContainText('Pavel Novak')
})

test('a link shows where it leads and fetches nothing before that is agreed to', async ({ page }) => {
  await goTo(page, 'Community')
  await page.getByRole('button', { name: 'Open an address' }).click()
  const seen = hub.requests.length
  const field = page.getByRole('textbox', { name: 'Address' })
  await field.fill('statepack://import?from=file%3A%2F%2F%2Fetc%2Fpasswd')
  await expect(page.getByText('This link names no address that can be opened.')).toBeVisible()
  await field.fill(`statepack://import?from=${encodeURIComponent(`https://${hub.host}/x.cartridge`)}`)
  await page.getByRole('dialog').getByRole('button', { name: 'Review' }).click()
  const sheet = page.getByRole('dialog')
  await expect(sheet.getByText('Nothing has been fetched yet')).toBeVisible()
  await expect(sheet).toContainText(`https://${hub.host}/x.cartridge`)
  await sheet.getByRole('button', { name: 'Fetch and review' }).click()
  await expect(sheet.getByText('it is not on the internet', { exact: false })).toBeVisible()
  await sheet.getByRole('button', { name: 'Skip it' }).click()
  await expect(sheet).toHaveCount(0)
  expect(hub.requests.length).toBe(seen)
})

test('published on a hub by one, taken by another', async ({ page, elsewhere }) => {
  await useHub(page)
  await readText(page, 'Pier notes', TEXT)
  await publish(page, 'Pier notes', { 'Where to': 'hf://ada/pier-notes', Licence: 'CC0-1.0' })
  expect(hub.repositories.get('ada/pier-notes')?.commits).toHaveLength(2)
  const other = elsewhere.page
  await useHub(other)
  await goTo(other, 'Community')
  await other.getByRole('button', { name: /^Search 127/ }).click()
  await expect(other.getByText('ada/pier-notes')).toBeVisible()
  await blockAndUnblock(other, 'Pier notes', 'hf://ada/pier-notes')
  await goTo(other, 'Library')
  await goTo(other, 'Community')
  await other.getByRole('button', { name: /^Search 127/ }).click()
  await take(other, 'Pier notes')
  expect(hub.stored.every(({ authorization }) => authorization === undefined)).toBe(true)
})

test('published without its texts, and seen to be that by another', async ({ page, elsewhere }) => {
  await useHub(page)
  await readText(page, 'Mole notes', TEXT.replace('6:30', '8:45'))
  await publish(page, 'Mole notes', { 'Where to': 'hf://ada/mole-notes' }, true)
  const files = [...(hub.repositories.get('ada/mole-notes')?.commits.at(-1)?.files.values() ?? [])]
  expect(Buffer.concat(files).includes('Lena Ortiz')).toBe(false)
  const other = elsewhere.page
  await useHub(other)
  await goTo(other, 'Community')
  await other.getByRole('button', { name: 'Open an address' }).click()
  await other.getByRole('textbox', { name: 'Address' }).fill('hf://ada/mole-notes')
  await other.getByRole('dialog').getByRole('button', { name: 'Review' }).click()
  const review = other.getByRole('dialog')
  await expect(review.getByText('Text withheld by the publisher', { exact: false })).toBeVisible(FOUND)
  await review.getByRole('button', { name: 'Import and trust' }).click()
  const details = other.getByRole('complementary', { name: 'Cartridge' })
  await details.getByRole('button', { name: 'Ask this cartridge' }).click()
  await expect(await ask(other, 'What does Anders like?')).toContainText('olives')
})

test('published in a registry and entered in a catalogue by one, browsed and taken by another', async ({
  page,
  elsewhere,
}) => {
  test.skip(registry === null, noRegistry ?? '')
  const host = registry?.host ?? ''
  const catalogue = `${host}/ada/catalogue`
  await readText(page, 'Quay notes', TEXT.replace('6:30', '7:15'))
  await publish(page, 'Quay notes', {
    'Where to': `${host}/ada/quay-notes:v1`,
    'Enter it in your catalogue': catalogue,
    'Called there': 'ada/quay-notes',
  })
  const other = elsewhere.page
  await goTo(other, 'Community')
  await other.getByRole('button', { name: 'Catalogues' }).click()
  await other.getByRole('textbox', { name: 'Address of a catalogue' }).fill(catalogue)
  await other.getByRole('dialog').getByRole('button', { name: 'Add' }).click()
  await expect(other.getByRole('list', { name: 'Added catalogues' })).toContainText(catalogue)
  await other.getByRole('button', { name: 'Done' }).click()
  await expect(other.getByText('ada/quay-notes')).toBeVisible()
  await take(other, 'Quay notes')
})
