/** Slots, crossfader, lineage, collections and the rows of the server: by keyboard alone, and looked at by axe at 200 % zoom. */
import type { Page } from '@playwright/test'
import { ask, expect, insert, readText, showSide, test } from './fixtures.ts'
import { quiet } from './quiet.ts'
import { tabTo } from './tabTo.ts'
import { violationsOf } from './violationsOf.ts'

const CAPTAIN = 'Who is the captain of Halcyon?'
const LONG = Array.from({ length: 190 }, (_, i) => `The locker ${i} on the pier is empty and painted green.`).join(
  '\n\n',
)
/** The window one works in, and what it has at 200 % zoom. */
const SIZES = [
  { width: 1280, height: 800 },
  { width: 640, height: 400 },
] as const

async function place(page: Page, words: string): Promise<void> {
  // A new window takes its keys once it is there.
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.keyboard.press('ControlOrMeta+k')
  await page.getByRole('combobox', { name: /^Find a place/ }).fill(words)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toHaveCount(0)
}

/** In both themes and sizes; the window is as it was afterwards. */
async function looksRight(page: Page, what: string): Promise<void> {
  for (const { width, height } of SIZES) {
    await page.setViewportSize({ width, height })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await expect(page.locator('html')).toHaveAttribute('data-theme', colorScheme)
      await quiet(page)
      // What was read out goes by itself, some seconds after the slider that it was about.
      await expect(page.locator('[role="log"] [role="img"]')).toHaveCount(0)
      expect.soft(await violationsOf(page), `${what}, ${colorScheme}, ${width}`).toEqual([])
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect.soft(overflow, `wider than the window: ${what}, ${width}`).toBeLessThanOrEqual(0)
  }
  await page.setViewportSize(SIZES[0])
}

test('slots: a second cartridge is added, both are asked, one is ejected', async ({ page }) => {
  test.setTimeout(240_000)
  const { keyboard } = page
  await insert(page, 'Harbor Coffee card')
  await showSide(page, 'Cartridges')
  await tabTo(page, 'button', 'Add Station card')
  await keyboard.press('Enter')
  const slots = page.getByRole('list', { name: 'In the slots' }).getByRole('listitem')
  await expect(slots).toHaveCount(2)
  await tabTo(page, 'radio', 'Ask each')
  await keyboard.press('ArrowRight')
  await keyboard.press('Space')
  await expect(page.getByRole('radio', { name: 'Route' })).toBeChecked()
  await keyboard.press('ArrowLeft')
  await keyboard.press('Space')
  await expect(page.getByRole('radio', { name: 'Ask each' })).toBeChecked()
  await tabTo(page, 'textbox', 'Question')
  await ask(page, CAPTAIN)
  await expect(page.getByRole('article').locator('.Answer')).toHaveCount(2)
  await looksRight(page, 'slots')
  await tabTo(page, 'button', /^Eject Harbor Coffee card/)
  await keyboard.press('Enter')
  await expect(slots).toHaveCount(1)
})

test('crossfader and lineage: two states are put on the stage, mixed, kept, and found with their receipt', async ({
  page,
}) => {
  test.setTimeout(240_000)
  const { keyboard } = page
  await place(page, 'remix: mix')
  await tabTo(page, 'button', /^Station card \(Mamba\)/)
  await keyboard.press('Enter')
  await tabTo(page, 'button', /^Harbor Coffee card \(Mamba\)/)
  await keyboard.press('Enter')
  await expect(page.getByText(/of \d+ right answers/).first()).toBeVisible()
  const between = /^Between Station card/
  await tabTo(page, 'slider', between)
  const before = await page.getByRole('slider', { name: between }).getAttribute('aria-valuetext')
  await keyboard.press('PageUp')
  await expect(page.getByRole('slider', { name: between })).not.toHaveAttribute('aria-valuetext', before ?? '')
  await expect(page.getByText(/of \d+ right answers/).first()).toBeVisible()
  await looksRight(page, 'crossfader')
  await tabTo(page, 'textbox', 'Name of the new cartridge')
  await keyboard.type('By keyboard')
  await tabTo(page, 'button', 'Keep this mix')
  await keyboard.press('Enter')
  await expect(page.getByText('By keyboard is in the library')).toBeVisible()
  await tabTo(page, 'radio', 'Append')
  for (let i = 0; i < 4; i++) await keyboard.press('ArrowRight')
  await keyboard.press('Space')
  await expect(page.getByRole('radio', { name: 'Lineage' })).toBeChecked()
  await expect(page.getByRole('region', { name: 'Graph of descent' })).toBeVisible()
  await looksRight(page, 'lineage')
  await tabTo(page, 'link', /^Receipt of this: mix/)
  await keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Mixed states' })).toBeVisible()
})

test('a collection is opened, and one of its parts', async ({ page }) => {
  test.setTimeout(240_000)
  await readText(page, 'Pier log', LONG, /transformer/i)
  await place(page, 'library')
  await tabTo(page, 'listbox', 'Cartridges')
  await page.keyboard.press('Home')
  const pane = page.getByRole('complementary', { name: 'Collection' })
  await expect(pane.getByRole('heading', { name: 'Pier log' })).toBeVisible()
  await looksRight(page, 'collection')
  await tabTo(page, 'button', /^part 1 of/)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('complementary', { name: 'Cartridge' })).toBeVisible()
})

test('the server is started and stopped, and its rows are read', async ({ page }) => {
  test.setTimeout(240_000)
  await place(page, 'server')
  await tabTo(page, 'textbox', 'Port')
  const port = 20_000 + ((process.pid + 7) % 20_000)
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type(String(port))
  await tabTo(page, 'button', 'Start')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Running', { exact: true })).toBeVisible()
  const refused = await fetch(`http://127.0.0.1:${port}/v1/models`)
  expect(refused.status).toBe(401)
  const rows = page.getByRole('region', { name: 'Requests to the server' }).getByRole('row')
  await expect(rows.filter({ hasText: '/v1/models' })).toContainText('401')
  await looksRight(page, 'server')
  await tabTo(page, 'button', 'Stop')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Stopped', { exact: true })).toBeVisible()
})
