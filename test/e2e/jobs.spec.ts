/** The line of long work: visible from every page, kept over reloads and a killed engine, failures kept until they are seen. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { choose, chooseModel, expect, exportSelected, goTo, readText, STARTERS, test } from './fixtures.ts'
import { quiet } from './quiet.ts'
import { violationsOf } from './violationsOf.ts'

const MANY = process.env.DEEP ? 500 : 100
const BAD = 3
const LONG = 'The station Juniper opens at 6:30. '.repeat(3000)
const NOT_TEXT = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0])

test(`${MANY} files, ${BAD} of them bad: a reload and other pages lose nothing, failures stay until someone has seen them`, async ({
  page,
  studio,
}) => {
  test.setTimeout(600_000)
  const folder = join(studio.home, 'many')
  mkdirSync(folder)
  const files = Array.from({ length: MANY }, (_, i) => {
    const isBad = i % Math.ceil(MANY / BAD) === 1
    const path = join(folder, isBad ? `bad ${i}.bin` : `note ${i}.txt`)
    writeFileSync(path, isBad ? NOT_TEXT : `Note ${i}: goat ${i} lives in house ${i * 7}.\n`)
    return path
  })
  await goTo(page, 'New cartridge')
  await choose(page, 'Add files', files)
  await expect(page.getByText(`${MANY} texts`, { exact: false }).first()).toBeVisible()
  await expect(page.getByRole('switch', { name: /Check what each recalls/ })).not.toBeChecked()
  await page.getByRole('button', { name: `Read ${MANY} texts` }).click()

  // Handed over: the page holds nothing of it any more, and may go.
  const tray = page.getByRole('region', { name: 'Jobs', exact: true })
  await expect(page.getByText('Drop files or folders anywhere')).toBeVisible()
  await expect(tray.getByRole('progressbar')).toBeVisible()
  await page.reload()
  await expect(tray.getByRole('progressbar')).toBeVisible()
  await goTo(page, 'Receipts')
  await expect(tray.getByText(new RegExp(`of ${MANY}`))).toBeVisible()
  await tray.getByRole('button', { name: 'Pause jobs' }).click()
  await expect(tray.getByText(/^Paused/)).toBeVisible()
  await tray.getByRole('button', { name: 'Resume jobs' }).click()

  await expect(tray.getByText(`${BAD} failed`)).toBeVisible({ timeout: 500_000 })
  await expect(tray.getByRole('progressbar')).toHaveCount(0, { timeout: 500_000 })
  await goTo(page, 'Library')
  await expect(page.getByRole('option').first()).toHaveAttribute('aria-setsize', `${STARTERS + MANY - BAD}`)

  // They say what is wrong, and stay over a reload.
  await page.reload()
  await expect(tray.getByText(`${BAD} failed`)).toBeVisible()
  await tray.getByRole('button', { name: 'Show jobs' }).click()
  await tray.getByText(/^Failed/).click()
  await expect(tray.getByRole('radio', { name: /^Failed/ })).toBeChecked()
  const rows = tray.getByRole('list', { name: 'Jobs' }).getByRole('listitem')
  await expect(rows).toHaveCount(BAD)
  await expect(rows.first()).toContainText('is not UTF-8 text')
  await tray.getByRole('button', { name: 'Try all again' }).click()
  await expect(tray.getByText(`${BAD} failed`)).toBeVisible()
  for (let left = BAD; left > 0; left--) {
    await expect(rows).toHaveCount(left)
    await rows
      .first()
      .getByRole('button', { name: /^Dismiss/ })
      .click()
  }
  await expect(tray).toHaveCount(0)
})

test('an engine that is killed while it reads leaves the text in the line, to be read again', async ({
  page,
  studio,
}) => {
  await goTo(page, 'New cartridge')
  await chooseModel(page, /mamba/i)
  await page.getByRole('textbox', { name: 'Paste text' }).fill(`Killed once. ${LONG}`)
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Killed once')
  await page.getByRole('button', { name: 'Read it' }).click()
  const tray = page.getByRole('region', { name: 'Jobs', exact: true })
  await expect(tray.getByText(/tok\/s/).first()).toBeVisible()
  studio.killEngine()
  await expect(tray.getByText('1 failed')).toBeVisible()
  await page.reload()
  await expect(tray.getByText('1 failed')).toBeVisible()
  await tray.getByRole('button', { name: 'Show jobs' }).click()
  await tray.getByRole('button', { name: 'Try again: Killed once' }).click()
  await expect(page.getByRole('heading', { name: 'Done' })).toBeVisible({ timeout: 120_000 })
  await expect(tray).toHaveCount(0)
  await goTo(page, 'Library')
  await expect(page.getByRole('option', { name: /Killed once/ })).toHaveCount(1)
})

test('a file that is taken in outlives a reload and a killed engine', async ({ page, studio }) => {
  const name = 'Came in a file'
  await readText(page, name, 'The goat of the pier lives in house 7.\n')
  await page.getByRole('button', { name: 'Show in the library' }).click()
  const file = join(studio.home, 'came.cartridge')
  await (await exportSelected(page)).saveAs(file)
  const options = page.getByRole('option', { name })
  await page.getByRole('listbox', { name: 'Cartridges' }).press('Delete')
  await expect(options).toHaveCount(0)

  // Something long holds the line, so that the file waits in it.
  await goTo(page, 'New cartridge')
  await chooseModel(page, /mamba/i)
  await page.getByRole('textbox', { name: 'Paste text' }).fill(`Before it. ${LONG}`)
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Before it')
  await page.getByRole('button', { name: 'Read it' }).click()
  const tray = page.getByRole('region', { name: 'Jobs', exact: true })
  await expect(tray.getByText(/tok\/s/).first()).toBeVisible()
  await tray.getByRole('button', { name: 'Pause jobs' }).click()
  await goTo(page, 'Library')
  await choose(page, 'Import', [file])
  await page.getByRole('dialog').getByRole('button', { name: 'Import, your own' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await tray.getByRole('button', { name: 'Show jobs' }).click()
  const rows = tray.getByRole('list', { name: 'Jobs' }).getByRole('listitem')
  await expect(rows.filter({ hasText: 'came.cartridge' })).toHaveCount(1)
  await page.reload()
  await tray.getByRole('button', { name: 'Show jobs' }).click()
  await expect(rows.filter({ hasText: 'came.cartridge' })).toHaveCount(1)
  studio.killEngine()
  await expect(tray.getByText('1 failed')).toBeVisible()
  await expect(rows.filter({ hasText: 'came.cartridge' })).toHaveCount(1)
  await expect(options).toHaveCount(0)
  const resume = tray.getByRole('button', { name: 'Resume jobs' })
  if (await resume.isVisible()) await resume.click()
  await goTo(page, 'Library')
  await expect(options).toHaveCount(1)
  await tray.getByRole('button', { name: 'Dismiss Before it' }).click()
  await expect(tray).toHaveCount(0)
})

test('by keyboard: cancelled, read after all; axe finds nothing in both themes and sizes', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await goTo(page, 'New cartridge')
  await chooseModel(page, /mamba/i)
  await page.getByRole('textbox', { name: 'Paste text' }).fill(`By keyboard. ${LONG}`)
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('By keyboard')
  const start = page.getByRole('button', { name: 'Read it' })
  await expect(start).toBeEnabled()
  await start.press('Enter')
  const tray = page.getByRole('region', { name: 'Jobs', exact: true })
  await tray.getByRole('button', { name: 'Show jobs' }).press('Enter')
  await tray.getByRole('button', { name: 'Pause jobs' }).press('Space')
  for (const { width, height } of [
    { width: 1280, height: 800 },
    { width: 640, height: 400 },
  ]) {
    await page.setViewportSize({ width, height })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await expect(page.locator('html')).toHaveAttribute('data-theme', colorScheme)
      await quiet(page)
      expect.soft(await violationsOf(page), `${colorScheme} ${width}`).toEqual([])
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect.soft(overflow).toBeLessThanOrEqual(0)
  }
  await page.setViewportSize({ width: 1280, height: 800 })
  await tray.getByRole('button', { name: 'Cancel', exact: true }).press('Enter')
  await expect(tray.getByText('1 cancelled')).toBeVisible()
  await tray.getByRole('button', { name: 'Read it after all: By keyboard' }).press('Enter')
  await expect(tray.getByText(/^Paused/)).toBeVisible()
  await tray.getByRole('button', { name: 'Resume jobs' }).press('Enter')
  await expect(page.getByRole('heading', { name: 'Done' })).toBeVisible({ timeout: 120_000 })
})
