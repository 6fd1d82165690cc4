import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openStudio } from '../e2e/studio.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'test-results', 'documents')
const THEMES = ['light', 'dark'] as const

/** Every turn of the one conversation in the Studio of `folder`, in both themes; returns the paths of the pictures. */
export async function pictureDocuments({ folder, model }: { folder: string; model: string }): Promise<string[]> {
  await mkdir(FOLDER, { recursive: true })
  const env = { STATEPACK_MODELS: model }
  const studio = await openStudio({ home: folder, env, viewport: { width: 1280, height: 3400 } })
  const paths: string[] = []
  try {
    const { page } = studio
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await page.getByRole('button', { name: 'Skip', exact: true }).click()
    await page.getByRole('link', { name: 'Ask', exact: true }).click()
    await page.getByRole('radio', { name: 'Conversations' }).click()
    await page.getByRole('list', { name: 'Conversations' }).getByRole('button').first().click()
    await page.getByRole('article').nth(9).waitFor()
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme })
      await page.locator(`html[data-theme="${colorScheme}"]`).waitFor()
      const path = join(FOLDER, `ten-questions-${colorScheme}.png`)
      await page.screenshot({ path })
      paths.push(path)
    }
  } finally {
    await studio.close()
  }
  return paths
}
