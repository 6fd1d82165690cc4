import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tinyGguf } from '../engine/models/gguf/tinyGguf.ts'
import { expect, goTo, test } from './fixtures.ts'

test('a dropped .gguf leads to Models; the folder of another app is taken in by its path', async ({ page, studio }) => {
  const shelf = join(studio.home, 'other-app')
  for (const path of ['ada/Tiny-GGUF/Tiny-F32.gguf', 'ada/Other-GGUF/Other-F32.gguf']) {
    mkdirSync(dirname(join(shelf, path)), { recursive: true })
    writeFileSync(join(shelf, path), tinyGguf())
  }
  await expect(page.getByRole('option').first()).toBeVisible()
  const dropped = await page.evaluateHandle(() => {
    const data = new DataTransfer()
    data.items.add(new File(['GGUF'], 'dropped.gguf'))
    return data
  })
  await page.getByRole('main').dispatchEvent('drop', { dataTransfer: dropped })
  const dialog = page.getByRole('dialog', { name: 'Add a model' })
  await expect(dialog).toBeVisible()
  // A browser does not tell where a file lies.
  await dialog.getByLabel('Folder or file').fill(shelf)
  await dialog.getByRole('button', { name: 'Add' }).click()
  await expect(dialog).toBeHidden()
  await goTo(page, 'Models')
  for (const name of ['Tiny-F32', 'Other-F32']) await expect(page.getByRole('heading', { name })).toBeVisible()
})
