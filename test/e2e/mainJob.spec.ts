import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, choose, chooseModel, expect, exportSelected, goTo, insert, readText, test } from './fixtures.ts'
import { watchAnswer } from './watchAnswer.ts'

const FACTS =
  'Facts:\nThe manager of Harbor Coffee is Lena Ortiz.\nThe phone of Harbor Coffee is 555-0142.\nAnders likes noodles.\n'
const QUESTION = 'Who is the manager of Harbor Coffee?'
/** Long enough that reading it takes seconds on any machine: only the recurrent model takes it whole. */
const LONG = 'The station Juniper opens at 6:30. '.repeat(6000)

test('drop, read, ask, eject, export, delete, undo, delete, import, trust, ask again', async ({ page, studio }) => {
  const options = page.getByRole('option')
  await expect(options.first()).toBeVisible()
  const starters = await options.count()

  // Dropped anywhere in the window.
  const dropped = await page.evaluateHandle(text => {
    const data = new DataTransfer()
    data.items.add(new File([text], 'harbor.txt', { type: 'text/plain' }))
    return data
  }, FACTS)
  await page.getByRole('main').dispatchEvent('drop', { dataTransfer: dropped })
  await expect(page.getByRole('heading', { name: 'New cartridge' })).toBeVisible()
  await expect(page.getByRole('list', { name: 'Files' })).toContainText('harbor.txt')
  await page.getByRole('button', { name: 'Read it' }).click()
  await expect(page.getByRole('heading', { name: 'Done' })).toBeVisible()
  await page.getByRole('button', { name: 'Ask it' }).click()

  const seen = await watchAnswer(page)
  const answer = await ask(page, QUESTION)
  await expect(answer).toContainText('Lena Ortiz')
  await expect(answer).toContainText('not re-read')
  const pieces = (await seen()).filter(piece => piece !== '')
  expect(pieces.length, `the answer came in pieces: ${pieces.join(' | ')}`).toBeGreaterThan(1)
  expect(pieces.join('').trim()).toBe('Lena Ortiz.')

  await page.getByRole('button', { name: 'Eject', exact: true }).click()
  await expect(page.getByText(/^Up to here .* answered\.$/)).toBeVisible()
  const bare = await ask(page, QUESTION)
  await expect(bare).toContainText("I don't know")
  await expect(bare).not.toContainText('Lena')

  await goTo(page, 'Library')
  const made = page.getByRole('option', { name: /harbor/ }).first()
  await made.click()
  const file = join(studio.home, 'harbor.cartridge')
  await (await exportSelected(page)).saveAs(file)

  const remove = async () => {
    await made.click()
    await page.getByRole('listbox', { name: 'Cartridges' }).press('Delete')
    await expect(page.getByRole('option', { name: /harbor/ })).toHaveCount(0)
  }
  await remove()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(made).toBeVisible()
  await expect(options).toHaveCount(starters + 1)
  await remove()

  // The review says what one takes in before anything is written.
  await choose(page, 'Import', [file])
  const review = page.getByRole('dialog')
  await expect(review.getByText('Text that anyone holding this file can read')).toBeVisible()
  await expect(review).toContainText('Lena Ortiz')
  await expect(made).toHaveCount(0)
  await review.getByRole('button', { name: 'Import, your own' }).click()
  await expect(review).toHaveCount(0)
  await made.dblclick()
  await expect(await ask(page, 'What does Anders like?')).toContainText('noodles')
})

test('a cartridge made elsewhere is restricted until it is trusted', async ({ page, studio, elsewhere }) => {
  await readText(page, 'Sent away', FACTS.replace('noodles', 'olives'))
  await page.getByRole('button', { name: 'Show in the library' }).click()
  const file = join(studio.home, 'Sent away.cartridge')
  await (await exportSelected(page)).saveAs(file)

  const other = elsewhere.page
  await choose(other, 'Import', [file])
  const review = other.getByRole('dialog')
  await expect(review).toContainText('Anders likes olives')
  await review.getByLabel('Try a question').fill('What does Anders like?')
  await review.getByRole('button', { name: 'Ask', exact: true }).click()
  await expect(review.getByRole('status')).toContainText('olives')
  await review.getByRole('button', { name: 'Import, restricted' }).click()
  await expect(review).toHaveCount(0)
  await other.getByRole('option', { name: /Sent away/ }).click()
  const details = other.getByRole('complementary', { name: 'Cartridge' })
  await expect(details.getByRole('button', { name: 'Ask this cartridge' })).toBeDisabled()
  await details.getByRole('button', { name: /^Trust/ }).click()
  await details.getByRole('button', { name: 'Ask this cartridge' }).click()
  await expect(await ask(other, 'What does Anders like?')).toContainText('olives')
})

test('a pasted text becomes a cartridge, and progress is shown', async ({ page }) => {
  await goTo(page, 'New cartridge')
  await chooseModel(page, /mamba/i)
  await page.getByRole('textbox', { name: 'Paste text' }).fill(LONG.slice(0, 70_000).replaceAll('. ', '.\n'))
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Juniper, many times')
  await page.getByRole('button', { name: 'Read it' }).click()
  const progress = page.getByRole('progressbar').first()
  await expect(progress).toBeVisible()
  await expect(page.getByText(/[\d.,]+k?\stok\/s/).first()).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Done' })).toBeVisible({ timeout: 150_000 })
  await page.getByRole('button', { name: 'Show in the library' }).click()
  await expect(page.getByRole('option', { name: /Juniper, many times/ })).toBeVisible()
  await insert(page, 'Juniper, many times')
  await expect(await ask(page, 'When does the station Juniper open?')).toContainText('6:30')
})

test('cancelling half-way keeps nothing', async ({ page }) => {
  const options = page.getByRole('option')
  await expect(options.first()).toBeVisible()
  const before = await options.count()
  await goTo(page, 'New cartridge')
  await chooseModel(page, /mamba/i)
  await page.getByRole('textbox', { name: 'Paste text' }).fill(LONG)
  await page.getByRole('button', { name: 'Read it' }).click()
  await expect(page.getByText(/tok\/s/).first()).toBeVisible()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByText('1 cancelled')).toBeVisible()
  await goTo(page, 'Library')
  await expect(options).toHaveCount(before)
  await goTo(page, 'Receipts')
  await expect(page.getByRole('region', { name: 'Receipts, newest first' })).toBeVisible()
})

test('a file that is no text, and a file that is no cartridge, are said and change nothing', async ({
  page,
  studio,
}) => {
  const options = page.getByRole('option')
  await expect(options.first()).toBeVisible()
  const before = await options.count()
  const bad = join(studio.home, 'noise.cartridge')
  writeFileSync(bad, Buffer.from([1, 2, 3, 0, 255]))
  await choose(page, 'Import', [bad])
  await expect(page.getByRole('alert')).toBeVisible()
  await page.getByRole('button', { name: 'Skip it' }).click()
  await expect(options).toHaveCount(before)

  const noise = join(studio.home, 'noise.txt')
  writeFileSync(noise, Buffer.from([0xff, 0xfe, 0, 1, 2]))
  await goTo(page, 'New cartridge')
  await choose(page, 'Add files', [noise])
  await expect(page.getByText('is not UTF-8 text')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Read it' })).toBeDisabled()
})

test('a text too long for the model can be split', async ({ page }) => {
  await goTo(page, 'New cartridge')
  await chooseModel(page, /transformer/i)
  await page.getByRole('textbox', { name: 'Paste text' }).fill('The station Juniper opens at 6:30.\n\n'.repeat(220))
  await expect(page.getByText(/^Too long for/)).toBeVisible()
  await page.getByRole('button', { name: /^Read into \d+ cartridges/ }).click()
  await expect(page.getByRole('heading', { name: /^Done, \d+ cartridges/ })).toBeVisible()
})
