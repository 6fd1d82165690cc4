/** A library of more pages than anyone scrolls through: what is chosen is exactly what is shown, read or not. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { fillLibrary } from '../bench/libraryStore.ts'
import { expect, STARTERS, test } from './fixtures.ts'
import { openStudio } from './studio.ts'

/** More than a conversation has slots. */
const MANY = 1010
const PAGE = 100
const counted = (count: number) => count.toLocaleString('en')
const cartridges = (page: Page) => page.getByRole('listbox', { name: 'Cartridges' })
const at = (page: Page, index: number) => cartridges(page).locator(`[aria-posinset="${index + 1}"]`)

async function sortByName(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Sort by/ }).click()
  await page.getByRole('option', { name: 'Name', exact: true }).click()
  await page.getByRole('radio', { name: 'List' }).click()
}

/** What the engine says stands where, of the pages that the window asked for in this order. */
async function watchPages(page: Page) {
  const pages = new Map<number, readonly string[]>()
  await page.route('**/rpc/library.list', async route => {
    const asked = route.request().postData() ?? ''
    const response = await route.fetch()
    const offset = Number(/"offset":(\d+)/.exec(asked)?.[1] ?? Number.NaN)
    const ids = [...(await response.text()).matchAll(/"packetId":"(sha256:[0-9a-f]{64})"/g)].map(([, id = '']) => id)
    if (asked.includes('"sort":"name"')) pages.set(offset / PAGE, ids)
    await route.fulfill({ response })
  })
  return {
    has: (index: number) => pages.has(Math.floor(index / PAGE)),
    all: () => [...pages].toSorted(([a], [b]) => a - b).flatMap(([, ids]) => ids),
  }
}

test('ranges over pages never read choose what is shown, in that order; the keyboard goes everywhere', async () => {
  test.skip(test.info().project.name === 'electron', 'the pages that are asked for are seen in the network')
  test.setTimeout(400_000)
  const home = mkdtempSync(join(tmpdir(), 'statepack-e2e-long-'))
  await fillLibrary(join(home, 'store'), MANY)
  const studio = await openStudio({ home })
  try {
    const { page } = studio
    const { keyboard } = page
    await page.getByRole('button', { name: 'Skip', exact: true }).click()
    const shown = await watchPages(page)
    await sortByName(page)
    await expect(at(page, 0)).toContainText('Contract')
    await expect(at(page, 9)).toContainText('The archive papers')
    const total = MANY + STARTERS
    await expect(at(page, 0)).toHaveAttribute('aria-setsize', String(total))

    // A range from the beginning to what was scrolled to, over pages that nobody has seen.
    await at(page, 3).click()
    await cartridges(page).evaluate(list => list.scrollTo({ top: list.scrollHeight }))
    const end = total - 5
    await expect(at(page, end)).toContainText('papers')
    expect(shown.has(300)).toBe(false)
    await at(page, end).click({ modifiers: ['Shift'] })
    await expect(page.getByRole('heading', { name: `${counted(end - 3 + 1)} cartridges` })).toBeVisible()
    const kept = page.waitForRequest('**/rpc/collections.save')
    await page.getByRole('button', { name: 'Make a collection' }).click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('The range')
    await keyboard.press('Enter')
    const chosen = (await kept).postData()?.match(/sha256:[0-9a-f]{64}/g)
    expect(shown.all()).toHaveLength(total)
    expect(chosen).toEqual(shown.all().slice(3, end + 1))
    const range = cartridges(page).getByRole('option', { name: /The range/ })
    await expect(range).toHaveCount(1)

    // A collection may hold more than can be asked at once: that is said with a way out, also where a key asks.
    await range.click()
    const pane = page.getByRole('complementary', { name: 'Collection' })
    await expect(pane.getByRole('button', { name: 'Ask this collection' })).toBeDisabled()
    await expect(pane).toContainText('Ask takes 1,000 cartridges at most')
    await expect(pane.getByRole('button', { name: 'Ask with empty slots' })).toBeEnabled()
    await keyboard.press('Enter')
    const note = page.getByRole('listitem').filter({ hasText: 'Ask takes 1,000 cartridges at most' })
    await note.getByRole('button', { name: 'Ask with empty slots' }).click()
    await expect(page.getByText('Drop a cartridge here')).toBeVisible()
    await expect(note).toHaveCount(0)
    await page.goBack()
    await sortByName(page)
    await expect(cartridges(page).getByRole('option')).toHaveCount(total - (end - 3))
    await keyboard.press('ControlOrMeta+z')
    await expect(at(page, 0)).toHaveAttribute('aria-setsize', String(total))

    // By keyboard: to the end of what was not read since, by pages, all of it.
    await at(page, 0).click()
    await keyboard.press('End')
    await expect(at(page, total - 1)).toHaveAttribute('aria-selected', 'true')
    await expect(page.getByRole('complementary').getByRole('heading', { level: 2 })).toContainText('papers')
    await keyboard.press('Home')
    await keyboard.press('ArrowDown')
    await keyboard.press('Shift+End')
    await expect(page.getByRole('heading', { name: `${counted(total - 1)} cartridges` })).toBeVisible()
    await keyboard.press('ControlOrMeta+a')
    await expect(page.getByRole('heading', { name: `${counted(total)} cartridges` })).toBeVisible()

    // What cannot be done to so many is said before one tries, and with a way out; a key says it, too.
    const selection = page.getByRole('complementary', { name: 'Selection' })
    for (const name of ['Ask', 'Remix', 'Mix'])
      await expect(selection.getByRole('button', { name, exact: true })).toBeDisabled()
    await expect(selection.getByRole('button', { name: 'Make a collection' })).toBeEnabled()
    await expect(selection).toContainText('Ask takes 1,000, Remix takes 64, and Mix takes 16 at most')
    await keyboard.press('Enter')
    await expect(note).toBeVisible()
    await expect(page.getByRole('heading', { level: 1, name: 'Library' })).toBeVisible()
    await selection.getByRole('button', { name: 'Ask with empty slots' }).click()
    await expect(page.getByText('Drop a cartridge here')).toBeVisible()
    await page.goBack()
    await sortByName(page)
    await expect(selection).toBeVisible()
    await at(page, 0).click()
    await keyboard.press('Escape')
    await expect(cartridges(page).locator('[aria-selected=true]')).toHaveCount(0)

    // A search keeps what was chosen by another.
    const search = page.getByRole('searchbox', { name: 'Search the library' })
    for (const [number, modifiers] of [
      [617, []],
      [618, ['ControlOrMeta']],
    ] as const) {
      await search.fill(`papers ${number}`)
      await cartridges(page)
        .getByRole('option', { name: `papers ${number}` })
        .click({ modifiers: [...modifiers] })
    }
    await expect(page.getByRole('heading', { name: '2 cartridges' })).toBeVisible()
    await keyboard.press('Escape')
    await search.fill('')
    await page.unrouteAll({ behavior: 'wait' })

    // The list becomes another one while a range is read: what is chosen is what stood there, or nothing.
    const [before, begins] = ['Contract 1182, facts', 'Harbor Coffee card']
    const other = await studio.newWindow()
    await other.getByRole('searchbox', { name: 'Search the library' }).fill(before)
    await expect(cartridges(other).getByRole('option')).toHaveCount(1)
    await cartridges(other).getByRole('option', { name: before }).click()
    await page.reload()
    await sortByName(page)
    await expect(at(page, 0)).toContainText(before)
    await expect(at(page, 3)).toContainText(begins)
    await at(page, 3).click()
    // Answers of the list before come after some of the list since.
    const { promise: late, resolve: go } = Promise.withResolvers<void>()
    const asked = { before: 0, since: 0 }
    let isRenamed = false
    await page.route('**/rpc/library.list', async route => {
      const isLate = !isRenamed
      asked[isLate ? 'before' : 'since'] += 1
      const response = await route.fetch()
      if (isLate) await late
      await route.fulfill({ response })
    })
    await page.keyboard.press('Shift+End')
    await expect.poll(() => asked.before).toBeGreaterThan(2)
    await expect(page.getByText(`Reading ${counted(total - 3)} entries to choose them`)).toBeVisible()
    await cartridges(other).press('F2')
    await other.getByRole('dialog').getByRole('textbox').fill('zzz, last of all')
    isRenamed = true
    await other.keyboard.press('Enter')
    await expect(other.getByRole('dialog')).toHaveCount(0)
    await expect.poll(() => asked.since).toBeGreaterThan(0)
    go()
    const refused = page.getByText('The list changed while it was read. Choose again.')
    const chosenOnes = page.getByRole('heading', { name: `${counted(total - 3)} cartridges` })
    await expect(refused.or(chosenOnes).first()).toBeVisible()
    const isChosen = await chosenOnes.isVisible()
    await cartridges(page).evaluate(list => list.scrollTo({ top: list.scrollHeight }))
    const last = cartridges(page).getByRole('option', { name: 'zzz, last of all' })
    await expect(last).toHaveAttribute('aria-selected', 'false')
    await cartridges(page).evaluate(list => list.scrollTo({ top: 0 }))
    const first = cartridges(page).getByRole('option', { name: begins }).first()
    await expect(first).toHaveAttribute('aria-selected', String(isChosen))
    await page.unrouteAll({ behavior: 'ignoreErrors' })

    // A key that is pressed while a range is read is about that range, says so, and waits for it.
    await page.reload()
    await sortByName(page)
    await expect(at(page, 2)).toHaveAttribute('aria-selected', 'false')
    await at(page, 2).click()
    const { promise: read, resolve: answer } = Promise.withResolvers<void>()
    await page.route('**/rpc/library.list', async route => {
      await read
      await route.continue()
    })
    await keyboard.press('Shift+End')
    const reads = page.getByRole('status').filter({ hasText: `Reading ${counted(total - 2)} entries` })
    await expect(reads).toContainText('Keys and buttons wait')
    await keyboard.press('Delete')
    await expect(reads).toContainText('then: Delete')
    // Not about what was chosen before; and about nothing once it is given up.
    await cartridges(page).evaluate(list => list.scrollTo({ top: 0 }))
    await expect(at(page, 2)).toHaveAttribute('aria-selected', 'true')
    await keyboard.press('Escape')
    await expect(reads).toHaveCount(0)
    await at(page, 2).click()
    await keyboard.press('Shift+End')
    await keyboard.press('Delete')
    await expect(reads).toContainText('then: Delete')
    answer()
    await expect(page.getByText(`Deleted ${counted(total - 2)} cartridges`)).toBeVisible()
    await expect(at(page, 0)).toHaveAttribute('aria-setsize', '2')
    await keyboard.press('ControlOrMeta+z')
    await expect(at(page, 0)).toHaveAttribute('aria-setsize', String(total))
    await page.unrouteAll({ behavior: 'ignoreErrors' })
  } finally {
    await studio.close()
    await rm(home, { recursive: true, force: true })
  }
})
