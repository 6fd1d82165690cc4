/** What the window owes a person: nothing begun is lost, and nothing goes wrong without a word. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, choose, chooseModel, expect, exportSelected, goTo, insert, readText, test } from './fixtures.ts'

const FACTS = 'Facts:\nLena Ortiz is the manager of Harbor Coffee.\nThe rent of Harbor Coffee is 2950.\n'
const MANAGER = 'Who is the manager of Harbor Coffee?'
const LONG = 'The station Juniper opens at 6:30. '

test('"Keep the beginning" leaves room for a question and an answer, and says how much', async ({ page }) => {
  await goTo(page, 'New cartridge')
  await chooseModel(page, /transformer/i)
  await page.getByRole('textbox', { name: 'Paste text' }).fill(LONG.repeat(220))
  await expect(page.getByText(/^Too long for/)).toBeVisible()
  await page.getByText('Keep the beginning').click()
  await expect(page.getByText(/[\d,]+ stay free for a question and an answer/)).toBeVisible()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Juniper, the beginning')
  await page.getByRole('button', { name: 'Read it' }).click()
  await expect(page.getByRole('heading', { name: 'Done' }).first()).toBeVisible()
  await page.getByRole('button', { name: 'Ask it' }).first().click()
  await expect(await ask(page, 'When does the station Juniper open?')).toContainText('tokens read')
  await expect(page.getByRole('alert')).toHaveCount(0)
})

test('what was typed and pasted survives leaving the page and a reload', async ({ page }) => {
  await goTo(page, 'New cartridge')
  const pasted = page.getByRole('textbox', { name: 'Paste text' })
  await pasted.fill(FACTS)
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Half-way')
  await goTo(page, 'Ask')
  const question = page.getByRole('textbox', { name: 'Question' })
  await question.fill('What did I want to')
  await goTo(page, 'New cartridge')
  await expect(pasted).toHaveValue(FACTS)
  await page.reload()
  await expect(pasted).toHaveValue(FACTS)
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue('Half-way')
  await goTo(page, 'Ask')
  await expect(question).toHaveValue('What did I want to')
})

test('a reload in the middle of reading loses neither the text nor the job', async ({ page }) => {
  await goTo(page, 'New cartridge')
  await chooseModel(page, /mamba/i)
  await page.getByRole('textbox', { name: 'Paste text' }).fill(LONG.repeat(1500))
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Read twice')
  await page.getByRole('button', { name: 'Read it' }).click()
  await expect(page.getByText(/tok\/s/).first()).toBeVisible()
  await page.reload()
  await expect(page.getByRole('heading', { name: 'Done' })).toBeVisible({ timeout: 120_000 })
  await goTo(page, 'Library')
  await expect(page.getByRole('option', { name: /Read twice/ })).toHaveCount(1)
})

test('a conversation is whole after a reload', async ({ page }) => {
  await readText(page, 'Harbor, asked often', FACTS)
  await insert(page, 'Harbor, asked often')
  const questions = [MANAGER, 'What is the rent of Harbor Coffee?', 'Who is Lena Ortiz?']
  for (const question of questions) await ask(page, question)
  const turns = page.getByRole('article')
  await expect(turns).toHaveCount(3)
  await page.reload()
  await expect(turns).toHaveCount(3)
  await expect(turns.getByRole('heading')).toHaveText(questions)
})

test('files that failed stay until someone has seen them', async ({ page, studio }) => {
  const good = join(studio.home, 'good.txt')
  const bad = join(studio.home, 'bad.bin')
  writeFileSync(good, `${FACTS}Nothing else.\n`)
  writeFileSync(bad, new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0]))
  await goTo(page, 'New cartridge')
  await choose(page, 'Add files', [good, bad])
  const files = page.getByRole('list', { name: 'Files' }).getByRole('listitem')
  await expect(files.filter({ hasText: 'is not UTF-8 text' })).toHaveCount(1)
  await page.getByRole('button', { name: 'Read it' }).click()
  await expect(page.getByRole('heading', { name: 'Done' })).toBeVisible()
  await expect(files).toHaveCount(1)
  await expect(files).toContainText('bad.bin')
})

test('another cartridge in the slot does not clear the conversation', async ({ page }) => {
  await readText(page, 'Harbor, first', `${FACTS}The first.\n`)
  await insert(page, 'Harbor, first')
  await ask(page, MANAGER)
  await page.getByRole('button', { name: /^Drop another/ }).click()
  await page.getByRole('button', { name: 'Harbor Coffee handbook' }).first().click()
  await expect(page.getByText('Up to here Harbor, first answered.')).toBeVisible()
  await expect(page.getByRole('article').getByRole('heading', { name: MANAGER })).toBeVisible()
  await ask(page, 'What is the rent of Harbor Coffee?')
  await expect(page.getByRole('article').getByRole('heading', { name: MANAGER })).toBeVisible()
})

test('the same text under a second name keeps the first one', async ({ page }) => {
  const text = `${FACTS}Told twice.\n`
  await readText(page, 'Told once', text)
  await readText(page, 'Told again', text)
  await expect(page.getByText('Was already here: nothing was read again')).toBeVisible()
  await page.getByRole('button', { name: 'Show in the library' }).click()
  await expect(page.getByRole('option', { name: /Told once/ })).toHaveCount(1)
  const details = page.getByRole('complementary', { name: 'Cartridge' })
  await expect(details.getByRole('heading', { name: 'Told once' })).toBeVisible()
  await expect(details).toContainText('Also called')
  await expect(details).toContainText('Told again')
})

test('a message never stands over the composer', async ({ page }) => {
  await readText(page, 'Harbor, to wait', `${FACTS}To wait for.\n`)
  await insert(page, 'Harbor, to wait')
  const box = page.getByRole('textbox', { name: 'Question' })
  await page.keyboard.press('ControlOrMeta+k')
  await page.getByRole('combobox', { name: /^Find a place/ }).fill('delete this')
  await page.keyboard.press('Enter')
  const message = page.getByRole('alertdialog').or(page.locator('[data-sonner-toast]')).first()
  await expect(message).toBeVisible()
  const [a, b] = await Promise.all([message.boundingBox(), page.locator('.Composer').boundingBox()])
  expect(
    a !== null &&
      b !== null &&
      a.y < b.y + b.height &&
      b.y < a.y + a.height &&
      a.x < b.x + b.width &&
      b.x < a.x + a.width,
  ).toBe(false)
  await expect(box).toBeVisible()
})

test('a list to choose from opens at a click', async ({ page }) => {
  await goTo(page, 'Inspect')
  await page.getByRole('combobox', { name: 'Another cartridge' }).click()
  await expect(page.getByRole('option', { name: /Harbor Coffee handbook/ }).first()).toBeVisible()
})

test('a number is what was typed, by comma or by point', async ({ page }) => {
  await goTo(page, 'Savings')
  await page.getByRole('radio', { name: 'Your provider' }).click()
  const cap = page.getByRole('textbox', { name: /Stop at/ })
  for (const [typed, read] of [
    ['0,50', '0.5'],
    ['0.50', '0.5'],
    ['1,5', '1.5'],
    ['1.234', '1.234'],
    ['1.234,5', '1,234.5'],
    ['200000', '100,000'],
  ] as const) {
    await cap.fill(typed)
    await cap.press('Tab')
    await expect(cap, typed).toHaveValue(read)
  }
  await expect(page.getByText('At most 100,000.')).toBeVisible()
  await page.getByRole('radio', { name: 'Prices' }).click()
  const price = page.getByRole('textbox', { name: /^Input price of/ }).first()
  await price.fill('0,15')
  await price.press('Tab')
  await expect(price).toHaveValue('0.15')
})

test('only devices that are there can be chosen, and why is said', async ({ page }) => {
  await goTo(page, 'Settings')
  const webgpu = page.getByRole('radio', { name: 'WebGPU' })
  const isThere =
    process.platform !== 'linux' ||
    existsSync('/dev/nvidiactl') ||
    (existsSync('/dev/dri') && readdirSync('/dev/dri').some(name => name.startsWith('renderD')))
  await expect(page.getByRole('radio', { name: 'CPU' })).toBeEnabled()
  if (isThere) await expect(webgpu).toBeEnabled()
  else {
    await expect(webgpu).toBeDisabled()
    await expect(page.getByText(/no graphics adapter/).first()).toBeVisible()
  }
})

test('a folder that is not there is refused in those words', async ({ page, studio }) => {
  await goTo(page, 'Settings')
  const field = page.getByRole('textbox', { name: 'Another model folder' })
  const missing = join(studio.home, 'nowhere')
  await field.fill(missing)
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await expect(page.getByText(`There is no folder ${missing} on this machine.`)).toBeVisible()
  await expect(field).toHaveValue(missing)
})

test('an export says what it gives away, keeps its name, and one’s own file is known', async ({ page, studio }) => {
  await readText(page, 'Harbor/Süd: 1', `${FACTS}The key is sk-abcdefghijklmnopqrstuvwx.\n`)
  await page.getByRole('button', { name: 'Show in the library' }).click()
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Export' }).click()
  const sheet = page.getByRole('dialog')
  await expect(sheet).toContainText('It seems to hold secrets.')
  await expect(sheet).toContainText('Lena Ortiz is the manager')
  await expect(sheet).toContainText('System prompt')
  await sheet.getByRole('button', { name: 'Do not export' }).click()
  await expect(sheet).toHaveCount(0)

  // The name travels with the file, whatever file systems refuse in it.
  const download = await exportSelected(page)
  const file = join(studio.home, download.suggestedFilename())
  await download.saveAs(file)
  await page.getByRole('listbox', { name: 'Cartridges' }).press('Delete')
  await expect(page.getByRole('option', { name: /Süd/ })).toHaveCount(0)
  await choose(page, 'Import', [file])
  await expect(sheet.getByRole('textbox', { name: 'Name in the library' })).toHaveValue('Harbor/Süd: 1')
  await expect(sheet).toContainText('Made here')
  await expect(sheet.getByRole('button', { name: 'Import, your own' })).toBeVisible()
  await expect(sheet.getByRole('button', { name: 'Import, restricted' })).toHaveCount(0)
})

test('the address without its key says so, and how to get in', async ({ page, studio }) => {
  test.skip(studio.address === null, 'Electron has no address')
  const address = studio.address ?? ''
  const bare = await page.context().newPage()
  await bare.goto(new URL('/', address).href)
  await expect(bare.getByRole('heading', { name: 'This address needs its key' })).toBeVisible()
  await bare.getByRole('textbox').fill(address)
  await bare.getByRole('button', { name: 'Open the Studio' }).click()
  await expect(bare.getByRole('heading', { level: 1, name: 'Library' })).toBeVisible()
  await bare.close()
})

test('a search that is cleared is cleared everywhere', async ({ page }) => {
  const search = page.getByRole('searchbox')
  const options = page.getByRole('option')
  await expect(options.first()).toBeVisible()
  const before = await options.count()
  await search.fill('nothing is called this')
  await expect(options).toHaveCount(0)
  await goTo(page, 'Settings')
  await search.fill('')
  await goTo(page, 'Library')
  await expect(options).toHaveCount(before)
})

test('the search finds words of the text itself, without their accents, and parts of words in scripts without spaces', async ({
  page,
}) => {
  await readText(page, 'Hausmeister', 'Der Schlüssel liegt in der Gartenlaube.\n社内規程の手引きは棚にある。\n')
  await goTo(page, 'Library')
  const options = page.getByRole('option')
  for (const words of ['schlussel', 'Gartenlaube', '規程']) {
    await page.getByRole('searchbox').fill(words)
    await expect(options, words).toHaveCount(1)
    await expect(options).toContainText('Hausmeister')
  }
  await page.getByRole('searchbox').fill('')
})

test('the place of shared states is kept, and one that is no place is refused with what it should be', async ({
  page,
}) => {
  await goTo(page, 'Settings')
  const row = page.locator('form', { has: page.getByRole('textbox', { name: 'Repository of shared states' }) })
  const field = row.getByRole('textbox')
  await field.fill('states')
  await row.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('is no place in a registry').first()).toBeVisible()
  await field.fill('registry.example/team/states')
  await row.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Shared states: registry.example/team/states.')).toBeVisible()
  await goTo(page, 'Library')
  await goTo(page, 'Settings')
  await expect(field).toHaveValue('registry.example/team/states')
})
