/** What is dropped on the window, as the system drops it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { pdfFile } from '../engine/documents/pdfFile.ts'
import { chooseModel, expect, goTo, test } from './fixtures.ts'

async function drop(page: Page, ...files: string[]): Promise<void> {
  const system = await page.context().newCDPSession(page)
  const data = { items: [], files, dragOperationsMask: 1 }
  const send = (type: 'dragEnter' | 'dragOver' | 'drop') =>
    system.send('Input.dispatchDragEvent', { type, x: 600, y: 400, data })
  await send('dragEnter')
  await expect(page.locator('.DropZone')).toBeVisible()
  await send('dragOver')
  // A drop before the page has said that it takes one is none.
  await page.evaluate(() => {})
  await send('drop')
}

const files = (page: Page) => page.getByRole('list', { name: 'Files' }).getByRole('listitem')

test('a folder is read through: texts in it become sources, what holds no text is counted', async ({
  page,
  studio,
}) => {
  const folder = join(studio.home, 'notes')
  mkdirSync(join(folder, 'deep', '.git'), { recursive: true })
  for (const n of [1, 2, 10]) writeFileSync(join(folder, `${n}.TXT`), `Note ${n}: the goat lives in house ${n}.\n`)
  writeFileSync(join(folder, 'deep', 'more.md'), 'The goat likes pears.\n')
  writeFileSync(join(folder, 'deep', 'photo.jpg'), Buffer.from([0xff, 0xd8, 0xff]))
  writeFileSync(join(folder, 'deep', '.git', 'config.txt'), 'not to be read')
  const one = join(studio.home, 'one.txt')
  writeFileSync(one, 'The goat lives in Oslo.\n')
  await drop(page, folder, one)
  await expect(files(page)).toHaveCount(5)
  await expect(files(page).filter({ hasText: 'characters' })).toHaveCount(5)
  expect((await files(page).locator('b').allInnerTexts()).slice(0, 5)).toEqual([
    ...['notes/1.TXT', 'notes/2.TXT', 'notes/10.TXT', 'notes/deep/more.md', 'one.txt'],
  ])
  await expect(page.getByText('1 that hold')).toBeVisible()
})

test('documents are read in their own encoding and script, and a guess is said', async ({ page, studio }) => {
  await goTo(page, 'New cartridge')
  const write = (name: string, bytes: Uint8Array) => {
    writeFileSync(join(studio.home, name), bytes)
    return join(studio.home, name)
  }
  await drop(
    page,
    write('a.csv', Buffer.from('name;city\nJosé;Málaga\n', 'latin1')),
    write('b.csv', Buffer.from('\ufeffname;city\nJosé;Málaga\n', 'utf16le')),
    write('c.PDF', pdfFile('BT /F1 24 Tf 20 40 Td <93FA967B8CEA> Tj ET')),
    write('d.bin', new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0])),
  )
  await expect(files(page).nth(0)).toContainText('22 characters, read as windows-1252, a guess')
  await expect(files(page).nth(1)).toContainText('22 characters, read as utf-16le')
  await expect(files(page).nth(1)).not.toContainText('a guess')
  await expect(files(page).nth(2)).toContainText('3 characters')
  await expect(files(page).nth(3)).toContainText('save it as UTF-8')
  await expect(page.getByRole('button', { name: 'Encoding of d.bin' })).toHaveCount(0)
})

test('a text in an encoding that nothing tells is shown in each, and read in the one that is chosen', async ({
  page,
  studio,
}) => {
  await page.reload()
  await goTo(page, 'New cartridge')
  const write = (name: string, content: number[]) => {
    writeFileSync(join(studio.home, name), Buffer.from(content))
    return join(studio.home, name)
  }
  await drop(
    page,
    write('двор.txt', [0xc4, 0xe2, 0xee, 0xf0, 0x20, 0xe7, 0xe0, 0xea, 0xf0, 0xfb, 0xf2]),
    write('klic.txt', [0x4b, 0x6c, 0xed, 0xe8, 0x20, 0x6d, 0xe1, 0x20, 0x4e, 0x6f, 0x76, 0x61, 0x6b]),
  )
  const choose = async (file: string, reading: RegExp) => {
    await page.getByRole('button', { name: `Encoding of ${file}` }).click()
    await page.getByRole('option').filter({ hasText: reading }).click()
  }
  await expect(files(page).nth(0)).toContainText('Choose the reading that is right')
  await expect(files(page).nth(1)).toContainText('13 characters, read as windows-1252')
  // Neither a reload nor reading it once takes the choice away.
  await page.reload()
  await choose('двор.txt', /windows-1251.*Двор закрыт/)
  await expect(files(page).nth(0)).toContainText('11 characters, read as windows-1251')
  await choose('klic.txt', /windows-1251/)
  await expect(files(page).nth(1)).toContainText('13 characters, read as windows-1251')
  await choose('klic.txt', /windows-1250.*Klíč má Novak/)
  await expect(files(page).nth(1)).toContainText('13 characters, read as windows-1250')
  for (const file of ['двор.txt', 'klic.txt']) await page.getByRole('button', { name: `Remove ${file}` }).click()
})

test('a choice that fails leaves the text as it was and says why; long texts and choices survive a reload', async ({
  page,
  studio,
}) => {
  await page.reload()
  await goTo(page, 'New cartridge')
  const write = (name: string, bytes: Buffer) => {
    writeFileSync(join(studio.home, name), bytes)
    return join(studio.home, name)
  }
  // In Shift_JIS so far as that is looked at, and not at its end.
  const long = Buffer.from(`${'\x83\x41 plain words. '.repeat(150_000)}\xff`, 'latin1')
  await drop(page, write('long.txt', long), write('plain.txt', Buffer.from('plain words. '.repeat(250_000))))
  await expect(files(page).nth(0)).toContainText('2,400,001 characters, read as windows-1252, a guess')
  const choose = async (encoding: string) => {
    await page.getByRole('button', { name: 'Encoding of long.txt' }).click()
    await page.getByRole('option', { name: encoding }).click()
  }
  await choose('shift_jis')
  await expect(files(page).nth(0)).toContainText(/not text in shift_jis.* still the one that was read as windows-1252/)
  await choose('windows-1251')
  await expect(files(page).nth(0)).toContainText('2,400,001 characters, read as windows-1251')
  await page.reload()
  await expect(files(page)).toHaveCount(2)
  await expect(files(page).nth(0)).toContainText('2,400,001 characters, read as windows-1251')
  await expect(files(page).nth(1)).toContainText('3,250,000 characters')
  for (const file of ['long.txt', 'plain.txt']) await page.getByRole('button', { name: `Remove ${file}` }).click()
})

test('of several files the one that is too long is named before anything is read, with what becomes of it', async ({
  page,
  studio,
}) => {
  await page.reload()
  await goTo(page, 'New cartridge')
  await chooseModel(page, /transformer/i)
  const write = (name: string, lines: number) => {
    const text = Array.from({ length: lines }, (_, i) => `The locker ${i} on the pier is green.`).join('\n')
    writeFileSync(join(studio.home, name), text)
    return join(studio.home, name)
  }
  await drop(page, write('short.txt', 4), write('long.txt', 400))
  const pane = page.getByRole('complementary', { name: 'How to read it' })
  await expect(pane.getByRole('listitem')).toHaveText([/^long\.txt becomes \d+\scartridges$/])
  await expect(page.getByRole('button', { name: /^Read 2 texts into \d+\scartridges$/ })).toBeEnabled()
  for (const name of ['short.txt', 'long.txt']) await page.getByRole('button', { name: `Remove ${name}` }).click()

  // Longer than any cartridge may be: it can be split here, and nothing else is offered.
  await drop(page, write('huge.txt', 250_000))
  await expect(page.getByRole('radio', { name: /^Split into about [\d,]+\scartridges/ })).toBeChecked()
  await expect(page.getByRole('radio', { name: /Keep the beginning|^Use / })).toHaveCount(0)
  await expect(page.getByRole('button', { name: /^Read into about [\d,]+\scartridges$/ })).toBeEnabled()
  await page.getByRole('button', { name: 'Remove huge.txt' }).click()
})

test('a .CARTRIDGE in capitals is reviewed like any other', async ({ page, studio }) => {
  const file = join(studio.home, 'noise.CARTRIDGE')
  writeFileSync(file, 'not one')
  await goTo(page, 'Library')
  await drop(page, file)
  await expect(page.getByRole('dialog').getByRole('alert')).toBeVisible()
})
