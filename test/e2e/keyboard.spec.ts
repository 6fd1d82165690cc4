import { answerTo, expect, STARTERS, test } from './fixtures.ts'
import { tabTo } from './tabTo.ts'

// The onboarding is part of the walk.
test.use({ firstRun: true })

test('the main job without a mouse', async ({ page }) => {
  const { keyboard } = page
  await expect(page.getByRole('dialog')).toBeVisible()
  await keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page.getByRole('option')).toHaveCount(STARTERS)

  // A new cartridge: Ctrl+N, paste, read.
  await keyboard.press('ControlOrMeta+n')
  await expect(page.getByRole('heading', { name: 'New cartridge' })).toBeVisible()
  await tabTo(page, 'textbox', 'Paste text')
  await keyboard.insertText('Facts:\nThe manager of Harbor Coffee is Lena Ortiz.\n')
  await expect(page.getByRole('button', { name: 'Read it' })).toBeEnabled()
  await tabTo(page, 'button', 'Read it')
  await keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Done' })).toBeVisible()

  // Found by the palette, asked, ejected.
  await keyboard.press('ControlOrMeta+k')
  await keyboard.type('lena')
  await expect(page.getByRole('option', { name: /Ask The manager of Harbor Coffee/ })).toHaveAttribute(
    'data-focused',
    'true',
  )
  await keyboard.press('Enter')
  await expect(page.getByRole('textbox', { name: 'Question' })).toBeFocused()
  await keyboard.type('Who is the manager of Harbor Coffee?')
  await keyboard.press('Enter')
  await expect(answerTo(page, 'Who is the manager of Harbor Coffee?')).toContainText('Lena Ortiz')
  await tabTo(page, 'button', 'Eject')
  await keyboard.press('Enter')
  await expect(page.getByText(/^Up to here .* answered\.$/)).toBeVisible()

  // The library by arrows: rename, select two, delete, undo through the messages.
  await keyboard.press('ControlOrMeta+k')
  await keyboard.type('library')
  await keyboard.press('Enter')
  await tabTo(page, 'listbox', 'Cartridges')
  await keyboard.press('Home')
  await keyboard.press('F2')
  await expect(page.getByRole('textbox', { name: 'Name' })).toBeFocused()
  await keyboard.press('ControlOrMeta+a')
  await keyboard.type('By keyboard')
  await keyboard.press('Enter')
  await expect(page.getByRole('option', { name: /By keyboard/ })).toBeVisible()
  const options = page.getByRole('listbox', { name: 'Cartridges' }).getByRole('option')
  await expect(options).toHaveCount(STARTERS + 1)
  await tabTo(page, 'listbox', 'Cartridges')
  await keyboard.press('Home')
  await keyboard.press('Shift+ArrowRight')
  await expect(page.getByRole('heading', { name: '2 cartridges' })).toBeVisible()
  await keyboard.press('Delete')
  await expect(options).toHaveCount(STARTERS - 1)
  await keyboard.press('F8')
  await tabTo(page, 'button', 'Undo')
  await keyboard.press('Enter')
  await expect(options).toHaveCount(STARTERS + 1)

  // Export, from the cartridge's menu.
  await tabTo(page, 'listbox', 'Cartridges')
  await keyboard.press('Home')
  await tabTo(page, 'button', 'More')
  await keyboard.press('Enter')
  await expect(page.getByRole('menuitem', { name: 'Export' })).toBeVisible()
  await keyboard.type('Export')
  await keyboard.press('Enter')
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true })).toBeVisible()
  const download = page.waitForEvent('download')
  await tabTo(page, 'button', 'Export')
  await keyboard.press('Enter')
  expect((await download).suggestedFilename()).toMatch(/\.cartridge$/)
  const chooser = page.waitForEvent('filechooser')
  // Asked of the page after the chooser is: by the answer, the page knows not to open the chooser of the desktop instead.
  await expect(page.getByRole('dialog')).toHaveCount(0)

  // Import opens the file dialog; help; settings.
  await keyboard.press('ControlOrMeta+o')
  await chooser
  await tabTo(page, 'listbox', 'Cartridges')
  await keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible()
  await keyboard.press('Escape')
  await keyboard.press('ControlOrMeta+,')
  await expect(page.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible()
})
