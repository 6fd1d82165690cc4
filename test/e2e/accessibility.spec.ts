import type { Page } from '@playwright/test'
import { ask, choose, expect, exportSelected, goTo, insert, showSide, test } from './fixtures.ts'
import { quiet } from './quiet.ts'
import { ROUTES, show } from './routes.ts'
import { violationsOf } from './violationsOf.ts'

/** The window one works in, the smallest that opens, and the first at 200 % zoom, which has half the CSS pixels. */
const SIZES = [
  { width: 1280, height: 800, themes: ['light', 'dark'] },
  { width: 900, height: 600, themes: [] },
  { width: 640, height: 400, themes: ['light', 'dark'] },
] as const

test('axe finds nothing on any route in both themes, and nothing is too wide, also at 200 % zoom', async ({ page }) => {
  test.setTimeout(600_000)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  // Something to look at: an answer, a selected cartridge.
  await insert(page, 'Station card (Mamba)')
  await ask(page, 'Who is the captain of Halcyon?')
  await goTo(page, 'Library')
  await page.getByRole('option').first().click()
  for (const { width, height, themes } of SIZES) {
    await page.setViewportSize({ width, height })
    for (const route of ROUTES) {
      await show(page, route)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect.soft(overflow, `wider than the window: ${route} at ${width}x${height}`).toBeLessThanOrEqual(0)
      for (const colorScheme of themes) {
        await page.emulateMedia({ colorScheme })
        await expect(page.locator('html')).toHaveAttribute('data-theme', colorScheme)
        const found = await violationsOf(page)
        expect.soft(found, `${route}, ${colorScheme}, ${width}x${height}`).toEqual([])
      }
    }
  }
})

/** What opens over a route: how a person opens it, on which route. */
const OVERLAYS: Readonly<Record<string, { readonly route: string; readonly open: (page: Page) => Promise<void> }>> = {
  palette: { route: 'library', open: page => page.keyboard.press('ControlOrMeta+k') },
  shortcuts: { route: 'library', open: page => page.getByRole('listbox', { name: 'Cartridges' }).press('?') },
  rename: {
    route: 'library',
    open: async page => {
      await page.getByRole('option').first().click()
      await page.getByRole('listbox', { name: 'Cartridges' }).press('F2')
    },
  },
  menu: {
    route: 'library',
    open: async page => {
      await page.getByRole('option').first().click()
      await page.getByRole('button', { name: 'More', exact: true }).click()
    },
  },
  'import review': {
    route: 'library',
    open: async page => {
      await page.getByRole('option').first().click()
      const file = await (await exportSelected(page)).path()
      await choose(page, 'Import', [file])
    },
  },
  'export review': {
    route: 'library',
    open: async page => {
      await page.getByRole('option').first().click()
      await page.getByRole('button', { name: 'More', exact: true }).click()
      await page.getByRole('menuitem', { name: 'Export' }).click()
      await page.getByRole('dialog', { name: 'Before exporting' }).waitFor()
      // The menu that led here takes a moment to go.
      await expect(page.getByRole('dialog', { name: 'More' })).toHaveCount(0)
    },
  },
  'keep dialog': {
    route: 'ask',
    open: async page => {
      await insert(page, 'Station card (Mamba)')
      await ask(page, 'Who is the captain of Halcyon?')
      await page.getByRole('button', { name: 'Keep as a cartridge' }).click()
    },
  },
  'menu of a conversation': {
    route: 'ask',
    open: async page => {
      await showSide(page, 'Conversations')
      await page
        .getByRole('button', { name: /^Actions for/ })
        .first()
        .click()
    },
  },
  introduction: { route: 'settings', open: page => page.getByRole('button', { name: 'Show it again' }).click() },
}

test('axe finds nothing on what opens over a route', async ({ page }) => {
  test.setTimeout(300_000)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  for (const [name, { route, open }] of Object.entries(OVERLAYS)) {
    await show(page, route)
    await open(page)
    // A menu stands in a dialog of its own.
    const overlay = page.getByRole('dialog')
    await expect(overlay, name).toBeVisible()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await expect(page.locator('html')).toHaveAttribute('data-theme', colorScheme)
      await quiet(page)
      expect.soft(await violationsOf(page), `${name}, ${colorScheme}`).toEqual([])
    }
    await page.keyboard.press('Escape')
    await expect(overlay, name).toHaveCount(0)
  }
})

test('axe does find what is wrong: the check is live', async ({ page }) => {
  await page.evaluate(() => {
    document.querySelector('main')?.append(document.createElement('button'))
  })
  expect(await violationsOf(page)).toEqual([expect.stringContaining('button-name')])
})
