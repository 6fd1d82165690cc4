import { ask, expect, goTo, insert, test } from './fixtures.ts'

test('the agent loop runs on a real model and its chart moves while it runs', async ({ page }) => {
  await goTo(page, 'Savings')
  await page.getByRole('radio', { name: 'Agent loop' }).click()
  await page.getByRole('textbox', { name: 'Steps' }).fill('12')
  // Every line the chart draws, and every figure beside it, from the first step to the last.
  await page.evaluate(() => {
    const seen = { lines: new Set<string>(), titles: new Set<string>() }
    Object.assign(window, { seen })
    new MutationObserver(() => {
      const line = document.querySelector('figure[aria-label^="Cumulative"] .recharts-line-curve')?.getAttribute('d')
      if (line != null) seen.lines.add(line)
      for (const { textContent } of document.querySelectorAll('h2'))
        if (/^Agent loop, \d+\sstep/.test(textContent)) seen.titles.add(textContent)
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
  })
  await page.getByRole('button', { name: 'Run benchmark' }).click()
  const head = page.getByRole('heading', { name: /^Agent loop, \d+\sstep/ })
  await expect(page.getByRole('link', { name: 'the receipt' })).toBeVisible()
  const [lines, titles] = await page.evaluate(() => {
    const { seen } = window as unknown as { seen: { lines: Set<string>; titles: Set<string> } }
    return [seen.lines.size, seen.titles.size]
  })
  expect(lines, 'shapes of the line').toBeGreaterThan(3)
  expect(titles, 'steps counted in the title').toBeGreaterThan(3)
  await expect(head).toHaveText('Agent loop, 12 steps')
  await page.getByRole('radio', { name: 'Table' }).click()
  await expect(page.getByRole('region', { name: 'Steps of the agent loop' }).getByRole('row')).toHaveCount(13)
})

test('the calculator follows the keyboard, and its link shows the same figures', async ({ page, studio }) => {
  await goTo(page, 'Savings')
  await page.getByRole('radio', { name: 'Calculator' }).click()
  // State Pack's defaults.
  for (const figure of ['44,600', '1,700', '96.2 %', '$669.00 a day', '$25.50 a day']) {
    await expect(page.getByText(figure, { exact: true }).first()).toBeVisible()
  }
  // Plain words; the field's is a hint.
  await expect(page.getByRole('main')).not.toContainText(/naive/i)
  await page.getByRole('note').getByText('Re-reading everything').hover()
  await expect(page.getByRole('tooltip')).toContainText('Called naive')
  await page.getByRole('textbox', { name: 'Steps per loop' }).focus()
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.type('20')
  // 20 x 500 + 30 x 210, and 500 + 30 x 20
  await expect(page.locator('.Stats').getByText('16,300', { exact: true })).toBeVisible()
  await expect(page.locator('.Stats').getByText('1,100', { exact: true })).toBeVisible()
  await page.keyboard.press('ArrowUp')
  await expect(page.locator('.Stats').getByText('17,430', { exact: true })).toBeVisible()
  await page.keyboard.press('Tab')
  await page.keyboard.press('ArrowRight')
  await expect(page.locator('.Stats').getByText('17,430', { exact: true })).toHaveCount(0)

  await page.getByRole('textbox', { name: 'Steps per loop' }).fill('20')
  await expect(page).toHaveURL(/steps=20/)
  const hash = new URL(page.url()).hash
  const other = await studio.newWindow()
  await other.evaluate(target => {
    location.hash = target
  }, hash)
  await expect(other.locator('.Stats').getByText('16,300', { exact: true })).toBeVisible()
  await other.close()
})

test('a question asked in another window moves the measured figures without a reload', async ({ page, studio }) => {
  await goTo(page, 'Savings')
  const runs = page.getByText(/^of \d+;/)
  const empty = page.getByText('Nothing measured yet')
  await expect(runs.or(empty)).toBeVisible()
  const before = (await empty.isVisible()) ? 0 : Number(/of (\d+)/.exec((await runs.textContent()) ?? '')?.[1])
  const other = await studio.newWindow()
  await insert(other, 'Harbor Coffee handbook')
  await ask(other, 'Who is the manager of Harbor Coffee?')
  await other.close()
  await expect(page.getByText(new RegExp(`^of ${before + 1};`))).toBeVisible()
})
