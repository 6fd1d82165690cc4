/** What every spec starts from: one Studio per spec file (real engine, real store, fresh folder) and a window per test. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test as base, type Download, expect, type Locator, type Page } from '@playwright/test'
import { findElectronForTests, type OpenStudio, openStudio, openStudioInElectron } from './studio.ts'

const texts = resolve(import.meta.dirname, '../../assets/texts')
/** How many starter cartridges a new library gets: one for each bundled text and model that it is made for. */
export const STARTERS = readdirSync(texts)
  .map(name => JSON.parse(readFileSync(join(texts, name), 'utf8')) as { readonly models: readonly string[] })
  .reduce((sum, { models }) => sum + models.length, 0)

/** The Studio of the spec file that runs. Opening one takes seconds, so the tests of a file share it and its library. */
interface Shelf {
  open(file: string, inElectron: boolean): Promise<{ readonly studio: OpenStudio; readonly isNew: boolean }>
  close(): Promise<void>
}

function openOne(inElectron: boolean): Promise<OpenStudio> {
  return inElectron ? openStudioInElectron(findElectronForTests().program ?? '') : openStudio()
}

async function leaveOnboarding(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Skip', exact: true }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
}

function createShelf(): Shelf {
  let current: { readonly file: string; readonly studio: OpenStudio } | null = null
  const close = async () => {
    const closing = current
    current = null
    await closing?.studio.close()
  }
  return {
    close,
    async open(file, inElectron) {
      if (current?.file === file) return { studio: current.studio, isNew: false }
      await close()
      const studio = await openOne(inElectron)
      current = { file, studio }
      return { studio, isNew: true }
    },
  }
}

export interface Fixtures {
  /** True in a spec that is about the onboarding, which every other one leaves at once. */
  readonly firstRun: boolean
  readonly studio: OpenStudio
  /** A window of `studio`. Errors and refusals of the Content-Security-Policy in it fail the test. */
  readonly page: Page
  /** The Studio of another person: another store, another key. */
  readonly elsewhere: OpenStudio
}

export const test = base.extend<Fixtures & { readonly opened: Awaited<ReturnType<Shelf['open']>> }, { shelf: Shelf }>({
  firstRun: [false, { option: true }],
  shelf: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from this pattern
    async ({}, use) => {
      const shelf = createShelf()
      await use(shelf)
      await shelf.close()
    },
    { scope: 'worker' },
  ],
  opened: async ({ shelf }, use, info) => {
    const inElectron = info.project.name === 'electron'
    const found = findElectronForTests()
    test.skip(inElectron && found.program === null, found.program === null ? found.why : '')
    await use(await shelf.open(info.file, inElectron))
  },
  studio: ({ opened }, use) => use(opened.studio),
  page: async ({ opened: { studio, isNew }, firstRun }, use, info) => {
    const page = isNew ? studio.page : await studio.newWindow()
    const errors: string[] = []
    page.on('pageerror', error => errors.push(error.message))
    page.on('console', message => {
      // A refused style or script shows here only.
      if (message.type() === 'error' && /Content Security Policy/.test(message.text())) errors.push(message.text())
    })
    if (isNew && !firstRun) {
      await leaveOnboarding(page)
      // They are made one after the other, and later tests count.
      await expect(page.getByRole('option')).toHaveCount(STARTERS, { timeout: 150_000 })
    }
    await use(page)
    if (info.status !== info.expectedStatus) {
      await page.screenshot({ path: info.outputPath('window.png') }).catch(() => {})
    }
    await page.close()
    expect(errors).toEqual([])
  },
  // biome-ignore lint/correctness/noEmptyPattern: see above
  elsewhere: async ({}, use, info) => {
    const studio = await openOne(info.project.name === 'electron')
    await leaveOnboarding(studio.page)
    await use(studio)
    await studio.close()
  },
})

export { expect }

/** Goes to a place by the sidebar. */
export async function goTo(page: Page, place: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: place, exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: place })).toBeVisible()
}

/** The last complete answer to a question: what is still being written is no article yet. */
export function answerTo(page: Page, question: string): Locator {
  return page
    .getByRole('article')
    .filter({ has: page.getByRole('heading', { name: question }) })
    .last()
}

/** Asks what is in the slot; returns the answer when it is complete. */
export async function ask(page: Page, question: string): Promise<Locator> {
  const answers = page.getByRole('article').filter({ has: page.getByRole('heading', { name: question }) })
  const before = await answers.count()
  const box = page.getByRole('textbox', { name: 'Question' })
  await box.fill(question)
  await box.press('Enter')
  await expect(answers).toHaveCount(before + 1)
  return answers.last()
}

/** Puts a cartridge into the slot of a new conversation. */
export async function insert(page: Page, name: string): Promise<void> {
  await goTo(page, 'Ask')
  await page.getByRole('button', { name: 'New conversation' }).click()
  await showSide(page, 'Cartridges')
  const rack = page.getByRole('button', { name })
  await rack.first().click()
  await expect(page.getByRole('button', { name: 'Eject', exact: true })).toBeVisible()
}

/** Chooses what stands beside a conversation. */
export async function showSide(page: Page, view: 'Conversations' | 'Timeline' | 'Cartridges'): Promise<void> {
  await page.getByRole('radio', { name: view }).click()
}

/** Chooses files in the dialog that pressing `button` opens. */
export async function choose(page: Page, button: string, files: string[]): Promise<void> {
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: button }).click()
  await (await chooser).setFiles(files)
}

/** Exports the selected cartridge by its menu; resolves with the download. */
export async function exportSelected(page: Page): Promise<Download> {
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Export' }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click()
  return download
}

/** Reads a pasted text into a cartridge called `name`; returns when it is done. */
export async function readText(page: Page, name: string, text: string, model?: RegExp): Promise<void> {
  await goTo(page, 'New cartridge')
  if (model !== undefined) await chooseModel(page, model)
  await page.getByRole('textbox', { name: 'Paste text' }).fill(text)
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name)
  await page.getByRole('button', { name: /^Read (it|into \d+ cartridges)/ }).click()
  await expect(page.getByRole('heading', { name: /^Done/ }).first()).toBeVisible()
}

export async function chooseModel(page: Page, model: RegExp): Promise<void> {
  await page.getByRole('button', { name: /Model/ }).first().click()
  await page.getByRole('option', { name: model }).click()
}
