/** Whoever walks by keyboard sees where they are: no ring of the focus is cut off by what holds its element. */
import type { Page } from '@playwright/test'
import { ask, expect, insert, test } from './fixtures.ts'
import { ROUTES, show } from './routes.ts'

/** Everything whose ring is cut off, by which of its ancestors and how far. */
function cutRings(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const nameOf = (element: Element) => {
      const words = (element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)
      return `${element.tagName.toLowerCase()}.${String(element.className).split(' ')[0]} “${words}”`
    }
    const focusable = 'a[href], button, input, textarea, select, summary, [tabindex]'
    const found: string[] = []
    for (const element of document.querySelectorAll<HTMLElement>(focusable)) {
      if (element.tabIndex < 0 || element.matches(':disabled') || !element.checkVisibility()) continue
      element.scrollIntoView({ block: 'center', inline: 'center' })
      element.focus({ preventScroll: true })
      // The ring may be drawn around what stands for it, as that of a list is around its chosen line.
      const { outlineStyle, outlineWidth, outlineOffset, position } = getComputedStyle(element)
      if (document.activeElement !== element || outlineStyle === 'none' || position === 'fixed') continue
      const box = element.getBoundingClientRect()
      if (box.width <= 1 || box.height <= 1) continue
      const reach = Number.parseFloat(outlineWidth) + Number.parseFloat(outlineOffset)
      for (let above = element.parentElement; above !== null; above = above.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(above)
        if (above === document.documentElement) break
        const frame = above.getBoundingClientRect()
        const [left, top] = [frame.left + above.clientLeft, frame.top + above.clientTop]
        const cut = [
          overflowX === 'visible'
            ? 0
            : Math.max(left - (box.left - reach), box.right + reach - (left + above.clientWidth)),
          overflowY === 'visible'
            ? 0
            : Math.max(top - (box.top - reach), box.bottom + reach - (top + above.clientHeight)),
        ]
        // What is larger than its frame is scrolled to, not drawn whole.
        if (box.width > above.clientWidth) cut[0] = 0
        if (box.height > above.clientHeight) cut[1] = 0
        const worst = Math.max(...cut)
        if (worst > 0.6) {
          found.push(`${nameOf(element)} in .${String(above.className).split(' ')[0]}: ${worst.toFixed(1)} px`)
          break
        }
      }
    }
    return found
  })
}

test('no ring of the focus is cut off, on any route, wide and narrow', async ({ page }) => {
  test.setTimeout(300_000)
  await insert(page, 'Station card (Mamba)')
  await ask(page, 'Who is the captain of Halcyon?')
  for (const size of [
    { width: 1280, height: 800 },
    { width: 900, height: 600 },
  ]) {
    await page.setViewportSize(size)
    for (const route of ROUTES) {
      await show(page, route)
      // The keyboard was used last, so the focus is shown.
      await page.keyboard.press('Tab')
      expect.soft(await cutRings(page), `${route}, ${size.width}`).toEqual([])
    }
  }
})

test('a ring that is cut off is found: the check is live', async ({ page }) => {
  await page.evaluate(() => {
    const frame = document.createElement('div')
    frame.style.overflow = 'hidden'
    frame.append(Object.assign(document.createElement('button'), { textContent: 'Cut off' }))
    document.querySelector('main')?.append(frame)
  })
  await page.keyboard.press('Tab')
  expect(await cutRings(page)).toContainEqual(expect.stringContaining('Cut off'))
})
