import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { answerTo, ask, expect, goTo, insert, showSide, test } from './fixtures.ts'
import { openStudio } from './studio.ts'

const MANAGER = 'Who is the manager of Harbor Coffee?'
const PHONE = 'What is the phone of Harbor Coffee?'
const RENT = 'What is the rent of Harbor Coffee?'
const box = (page: Page) => page.getByRole('textbox', { name: 'Question' })
const listed = (page: Page) => page.getByRole('list', { name: 'Conversations' }).getByRole('listitem')

test('twenty turns are whole after a reload, a killed engine and a restart, and go on', async ({ page, studio }) => {
  test.skip(studio.address === null, 'Electron keeps its engine to itself')
  test.setTimeout(400_000)
  const home = mkdtempSync(join(tmpdir(), 'statepack-talk-'))
  const first = await openStudio({ home })
  let talk = first.page
  const turns = () => talk.getByRole('article')
  const chart = () => talk.getByRole('img', { name: /^After 20 answers/ })
  const questions = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? `${MANAGER} ${i}` : `${PHONE} ${i}`))
  let texts: string[] = []
  let figures = ''
  const isWhole = async () => {
    await expect(turns().getByRole('heading')).toHaveText(questions)
    await showSide(talk, 'Timeline')
    await expect(chart()).toHaveAttribute('aria-label', figures)
    // What a model is comes with another answer than the turns.
    await expect.poll(() => turns().allInnerTexts()).toEqual(texts)
  }
  try {
    await talk.getByRole('button', { name: 'Skip', exact: true }).click()
    await expect(talk.getByRole('option', { name: /Harbor Coffee handbook/ }).first()).toBeVisible()
    await insert(talk, 'Harbor Coffee handbook')
    for (const question of questions) await ask(talk, question)
    await showSide(talk, 'Timeline')
    await expect(chart()).toBeVisible()
    figures = (await chart().getAttribute('aria-label')) ?? ''
    texts = await turns().allInnerTexts()
    await talk.reload()
    await isWhole()
    first.killEngine()
    await talk.reload()
    await isWhole()
    await box(talk).fill('Half a quest')
  } finally {
    await first.close()
  }
  const second = await openStudio({ home })
  try {
    talk = second.page
    await goTo(talk, 'Ask')
    await showSide(talk, 'Conversations')
    await listed(talk)
      .getByRole('button', { name: new RegExp(MANAGER.slice(0, -1)) })
      .first()
      .click()
    await isWhole()
    await expect(box(talk)).toHaveValue('Half a quest')
    await ask(talk, RENT)
    await expect(turns()).toHaveCount(21)
  } finally {
    await second.close()
  }
  await page.close()
})

test('a draft is kept through other pages, in its conversation, and another window follows', async ({
  page,
  studio,
}) => {
  await insert(page, 'Harbor Coffee handbook')
  await box(page).fill('What did I want')
  await goTo(page, 'Library')
  await goTo(page, 'Ask')
  await expect(box(page)).toHaveValue('What did I want')
  await page.getByRole('button', { name: 'New conversation' }).click()
  await expect(box(page)).toHaveValue('')
  await showSide(page, 'Conversations')
  await listed(page).filter({ hasText: 'What did I want' }).getByRole('button').first().click()
  await expect(box(page)).toHaveValue('What did I want')

  const other = await studio.newWindow()
  await goTo(other, 'Ask')
  await showSide(other, 'Conversations')
  await listed(other).filter({ hasText: 'What did I want' }).getByRole('button').first().click()
  await expect(box(other)).toHaveValue('What did I want')
  await ask(page, MANAGER)
  await expect(answerTo(other, MANAGER)).toContainText('Lena Ortiz')
  await expect(box(other)).toHaveValue('')
  await other.close()
})

test('editing a question branches, arrows recall, and the bare model is asked beside', async ({ page }) => {
  await insert(page, 'Harbor Coffee handbook')
  await ask(page, MANAGER)
  await ask(page, PHONE)
  const turns = page.getByRole('article')
  await turns.first().getByRole('button', { name: 'Edit the question' }).click()
  const editor = page.getByRole('textbox', { name: 'Edit the question' })
  await expect(editor).toHaveValue(MANAGER)
  await editor.fill(RENT)
  await page.getByRole('button', { name: 'Ask this instead' }).click()
  await expect(answerTo(page, RENT)).toContainText('tokens read')
  await expect(turns).toHaveCount(1)
  const branches = page.getByRole('group', { name: 'Branches' })
  await expect(branches).toContainText('2 of 2')
  await branches.getByRole('button', { name: 'The branch before' }).click()
  await expect(turns.getByRole('heading')).toHaveText([MANAGER, PHONE])
  await page.reload()
  await expect(turns.getByRole('heading')).toHaveText([MANAGER, PHONE])

  await box(page).fill('unsent')
  await box(page).press('Home')
  await box(page).press('ArrowUp')
  await expect(box(page)).toHaveValue(RENT)
  await box(page).press('ArrowUp')
  await expect(box(page)).toHaveValue(PHONE)
  await box(page).press('ArrowDown')
  await box(page).press('ArrowDown')
  await expect(box(page)).toHaveValue('unsent')

  const second = answerTo(page, PHONE)
  await second.getByRole('button', { name: 'Eject and ask again' }).click()
  await expect(second).toContainText('tokens read and written')
  await expect(second.getByRole('button', { name: 'Eject and ask again' })).toHaveCount(0)
  const told = await second.innerText()
  await page.reload()
  await expect(second).toContainText('tokens read and written')
  await expect.poll(() => second.innerText()).toBe(told)
})

test('answers stay while what they are kept in is still read', async ({ page, studio }) => {
  test.skip(studio.address === null, 'what goes through the preload script cannot be held')
  await insert(page, 'Harbor Coffee handbook')
  await ask(page, MANAGER)
  const questions = page.getByRole('article').getByRole('heading')
  const hold = async () => {
    const opened = Promise.withResolvers<void>()
    await page.route('**/rpc/conversations.get', async route => {
      await opened.promise
      await route.fallback()
    })
    return opened
  }
  const first = await hold()
  await ask(page, PHONE)
  await ask(page, RENT)
  await expect(questions).toHaveText([MANAGER, PHONE, RENT])
  first.resolve()
  await page.reload()
  await expect(questions).toHaveText([MANAGER, PHONE, RENT])

  // A question right after going back goes on from there.
  await showSide(page, 'Timeline')
  const second = await hold()
  await page.getByRole('list', { name: 'Steps' }).getByRole('button').nth(1).click()
  await ask(page, RENT)
  await expect(questions).toHaveText([MANAGER, RENT])
  second.resolve()
  await page.reload()
  await expect(questions).toHaveText([MANAGER, RENT])
})

test('a conversation is named, found, exported, deleted and brought back', async ({ page }) => {
  await insert(page, 'Harbor Coffee handbook')
  await ask(page, MANAGER)
  await ask(page, RENT)
  await showSide(page, 'Conversations')
  const current = listed(page).filter({ has: page.locator('[aria-current]') })
  const act = async (what: string) => {
    await current.getByRole('button', { name: /^Actions for/ }).click()
    await page.getByRole('menuitem', { name: what }).click()
  }
  await act('Rename')
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('About Lena')
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click()
  await expect(current).toContainText('About Lena')

  const search = page.getByRole('textbox', { name: 'Find a conversation' })
  await search.fill('ortiz')
  await expect(current).toContainText(MANAGER)
  await search.fill('nothing holds this')
  await expect(listed(page)).toHaveCount(0)
  await search.fill('')

  const download = page.waitForEvent('download')
  await act('Export as Markdown')
  const file = await download
  expect(file.suggestedFilename()).toBe('About Lena.md')
  const markdown = readFileSync(await file.path(), 'utf8')
  expect(markdown).toMatch(/^# About Lena\n/)
  expect(markdown).toContain(`## ${MANAGER}\n\nLena Ortiz`)

  const before = await listed(page).count()
  await act('Delete')
  await expect(listed(page)).toHaveCount(before - 1)
  await expect(page.getByRole('article')).toHaveCount(0)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(listed(page)).toHaveCount(before)
  await listed(page).filter({ hasText: 'About Lena' }).getByRole('button').first().click()
  await expect(page.getByRole('article').getByRole('heading')).toHaveText([MANAGER, RENT])
})
