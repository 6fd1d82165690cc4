/** What is done in one window is seen in another on whatever page it is, without reloading. */
import { ask, expect, goTo, insert, readText, test } from './fixtures.ts'

const [FIRST, SECOND, THIRD] = ['Lighthouse of Sula', 'Ferry of Sula', 'Market of Sula']
const QUESTION = 'Who is the manager of Harbor Coffee?'
const text = (place: string) =>
  `Facts:\nThe manager of Harbor Coffee is Lena Ortiz.\nThe phone of ${place} is 555-0142.\nAnders likes noodles.\n`

test('receipts, meter, memory and library follow what another window creates, asks and deletes', async ({
  page,
  studio,
}) => {
  await page.evaluate(() => Object.assign(window, { isSameDocument: true }))
  const other = await studio.newWindow()

  await goTo(page, 'Receipts')
  const chip = (op: string) => page.getByRole('button', { name: new RegExp(`^${op}`) })
  await expect(chip('Created')).toBeVisible()
  const created = Number(/\d+/.exec((await chip('Created').textContent()) ?? '')?.[0])
  await readText(other, FIRST, text(FIRST))
  await expect(chip('Created')).toHaveText(`Created${created + 1}`)
  await expect(page.getByText('Answered from a state')).toHaveCount(0)
  await insert(other, FIRST)
  await ask(other, QUESTION)
  await expect(page.getByText('Answered from a state')).not.toHaveCount(0)

  await goTo(page, 'Savings')
  const spared = page.locator('.Stat', { hasText: 'Tokens not re-read' })
  const first = (await spared.textContent()) ?? ''
  await ask(other, QUESTION)
  await expect(spared).not.toHaveText(first)

  await goTo(page, 'Library')
  const listed = (name: string) => page.getByRole('option', { name })
  await readText(other, SECOND, text(SECOND))
  await expect(listed(SECOND)).toBeVisible()
  await expect(listed(FIRST)).toBeVisible()

  await goTo(page, 'Memory')
  const holding = page.getByRole('region', { name: 'What is in memory' }).getByRole('row').filter({ hasText: THIRD })
  await expect(page.getByRole('region', { name: 'What is in memory' })).toBeVisible()
  await expect(holding).toHaveCount(0)
  await readText(other, THIRD, text(THIRD))
  await expect(holding).toBeVisible()

  await goTo(page, 'Library')
  await goTo(other, 'Library')
  await other.getByRole('option', { name: SECOND }).click()
  await other.getByRole('listbox', { name: 'Cartridges' }).press('Delete')
  await expect(listed(SECOND)).toHaveCount(0)
  await other.keyboard.press('ControlOrMeta+z')
  await expect(listed(SECOND)).toBeVisible()

  expect(await page.evaluate(() => 'isSameDocument' in window)).toBe(true)
  await other.close()
})

test('what several views of a window show is asked for once, until another window changes it', async ({
  page,
  studio,
}) => {
  await goTo(page, 'New cartridge')
  await expect(page.getByRole('button', { name: /Model$/ })).toBeVisible()
  await expect(page.getByText(/^\d+\sstates\s·/)).toBeVisible()
  const asked: string[] = []
  page.on('request', request => {
    const method = /\/rpc\/([\w.]+)$/.exec(request.url())?.[1]
    if (method !== undefined) asked.push(method)
  })
  // The page shows the models already, and the palette reads its cartridges both as they are and as they are found.
  await page.keyboard.press('ControlOrMeta+k')
  await expect(page.getByRole('option', { name: /New cartridge/ }).first()).toBeVisible()
  await expect.poll(() => asked).toContain('library.list')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  expect(asked.filter(method => method === 'library.list')).toEqual(['library.list'])
  expect(asked).not.toContain('models.list')
  expect(asked).not.toContain('settings.get')

  const other = await studio.newWindow()
  await goTo(other, 'Settings')
  await other.getByRole('radio', { name: 'Dark' }).click()
  await expect.poll(() => asked.filter(method => method === 'settings.get')).toEqual(['settings.get'])
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  await other.close()
})

test('prices that are being edited stay when another window saves some', async ({ page, studio }) => {
  const other = await studio.newWindow()
  const model = (window: typeof page) => window.getByRole('textbox', { name: 'Model' })
  for (const window of [page, other]) {
    await goTo(window, 'Savings')
    await window.getByRole('radio', { name: 'Prices' }).click()
  }
  await model(page).first().fill('Typed here')
  await model(other).last().fill('Typed there')
  await other.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByText('Prices were changed in another window.')).toBeVisible()
  await expect(model(page).first()).toHaveValue('Typed here')
  await page.getByRole('button', { name: 'Show those instead' }).click()
  await expect(model(page).last()).toHaveValue('Typed there')
  await expect(model(page).first()).not.toHaveValue('Typed here')
  await model(page).first().fill('Saved here')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(model(other).first()).toHaveValue('Saved here')
  await expect(page.getByText('Prices were changed in another window.')).toHaveCount(0)
  await other.close()
})
