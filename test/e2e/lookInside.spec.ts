import { expect, goTo, readText, test } from './fixtures.ts'

test('inspect: twelve components match, every one opens, the heat map has a cursor, values and a table', async ({
  page,
}) => {
  await goTo(page, 'Inspect')
  const list = page.getByRole('listbox', { name: 'Components of the state' })
  await expect(list.getByRole('option')).toHaveCount(12)
  await expect(page.getByText('12 of 12 match the installed model')).toBeVisible()

  const map = page.getByRole('application', { name: /norm by layer/ })
  await map.focus()
  const reading = page.getByRole('region', { name: 'View' }).getByRole('status')
  const before = await reading.textContent()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  await expect(reading).not.toHaveText(before ?? '')
  const cell = await reading.textContent()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 3 }).first()).toContainText(cell?.split(':')[0] ?? 'nothing')
  // The norm of the numbers shown is the one the picture showed.
  const norm = Number(/norm ([\d.]+)/.exec(cell ?? '')?.[1])
  const shown = page.getByText(/^Shape .* norm/)
  await expect(shown).toBeVisible()
  expect(Number(/norm ([\d.]+)/.exec((await shown.textContent()) ?? '')?.[1])).toBeCloseTo(norm, 2)
  await page.getByRole('radio', { name: 'Table' }).click()
  await expect(page.getByRole('region', { name: 'Norms' }).getByRole('row').nth(1)).toBeVisible()

  await list.focus()
  for (const option of await list.getByRole('option').all()) {
    const title = (await option.locator('b').textContent()) ?? ''
    await option.click()
    await expect(
      page.getByRole('region', { name: 'View' }).getByRole('heading', { level: 2, name: title }),
    ).toBeVisible()
    await expect(page.getByRole('alert')).toHaveCount(0)
  }
})

test('prove: recomputing passes, is shown as a badge, and leaves a receipt', async ({ page }) => {
  await goTo(page, 'Inspect')
  await page.getByRole('button', { name: 'Prove' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: 'Recomputed' }).click()
  await dialog.getByRole('button', { name: 'Check now' }).click()
  await expect(dialog.getByText(/^Passed: recomputed/)).toBeVisible()
  await dialog.getByRole('link', { name: /^Receipt/ }).click()
  await expect(page.getByRole('heading', { name: 'Checked a cartridge' })).toBeVisible()
})

test('compare two cartridges: the fork in the texts, components and layers', async ({ page }) => {
  await goTo(page, 'Inspect')
  await page.getByRole('button', { name: 'Compare' }).click()
  await page.getByRole('combobox', { name: 'Compare with' }).focus()
  await page.keyboard.press('ArrowDown')
  await page.getByRole('option').first().waitFor()
  await page.keyboard.press('Enter')
  await expect(page.getByText(/in common/)).toBeVisible()
  await expect(page.getByRole('table', { name: 'Components compared' }).getByRole('row')).toHaveCount(13)
})

test('a text whose letters are several tokens each is shown as it is read by people', async ({ page }) => {
  const text = '緑町の規則。管理人はJörg Überschär'
  await readText(page, 'Regeln', `${text} und andere mehr.`, /transformer/i)
  await page.getByRole('button', { name: 'Inspect', exact: true }).click()
  await page.getByRole('option', { name: 'Input token buffer' }).click()
  const shown = page.getByRole('region', { name: 'The text as tokens' })
  await expect(shown).toContainText(text)
  await shown.getByText('緑', { exact: true }).hover()
  await expect(page.getByText(/^Position 0, id \d+ \d+ \d+, text "緑" in 3\stokens$/)).toBeVisible()
  await page.getByRole('radio', { name: 'Table' }).click()
  await expect(page.getByRole('region', { name: 'Tokens' })).toContainText('"緑", 3 of 3')
})

test('why a miss: the place where a prompt leaves the nearest cartridge', async ({ page }) => {
  await goTo(page, 'Inspect')
  await page.getByRole('option', { name: 'Input token buffer' }).click()
  const text = (await page.getByRole('region', { name: 'The text as tokens' }).textContent())?.replaceAll('↵', '') ?? ''
  await page.getByRole('button', { name: 'Why a miss' }).click()
  await page.getByRole('textbox', { name: 'Prompt' }).fill(`${text.slice(0, text.length / 2)} zebra`)
  await page.getByRole('button', { name: 'Find the nearest' }).click()
  await expect(page.getByText(/then they part/)).toBeVisible()
  await expect(page.getByText('zebra').last()).toBeVisible()
})

test('what was read in one step is not offered for compaction, and why is said', async ({ page }) => {
  await goTo(page, 'Library')
  await page.getByRole('option', { name: /Station card \(Mamba\)/ }).click()
  await page.getByRole('button', { name: 'Remix', exact: true }).click()
  await page.getByRole('radio', { name: 'Compact' }).click()
  await expect(page.getByText('read in one step')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Compact', exact: true })).toBeDisabled()
})

test('mix two recurrent states with a preview, keep it, and find it in the lineage with its receipt', async ({
  page,
}) => {
  await goTo(page, 'Remix')
  await page.getByRole('radio', { name: 'Mix' }).click()
  const stage = page.getByRole('region', { name: 'Stage' })
  await page.getByRole('button', { name: /^Station card \(Mamba\)/ }).click()
  await expect(stage).toContainText('One more')
  await page.getByRole('button', { name: /Harbor Coffee card \(Mamba\)/ }).dragTo(stage)
  await expect(page.getByText(/of \d+ right answers/).first()).toBeVisible()
  const fader = page.getByRole('slider', { name: 'Between Station card (Mamba) and Harbor Coffee card (Mamba)' })
  await fader.focus()
  await page.keyboard.press('PageUp')
  await expect(fader).toHaveAttribute(
    'aria-valuetext',
    'Station card (Mamba) 60\u00a0%, Harbor Coffee card (Mamba) 40\u00a0%',
  )
  // It is drawn as it is mixed.
  const [left = 0, right = 1] = await page
    .locator('.Crossfader-part')
    .evaluateAll(parts => parts.map(part => part.getBoundingClientRect().width))
  expect(left / right).toBeCloseTo(1.5, 1)
  await page.getByRole('textbox', { name: 'Name of the new cartridge' }).fill('Three fifths')
  await page.getByRole('button', { name: 'Keep this mix' }).click()
  await expect(page.getByText('Three fifths is in the library')).toBeVisible()

  await page.getByRole('radio', { name: 'Lineage' }).click()
  const graph = page.getByRole('region', { name: 'Graph of descent' })
  await expect(graph.getByRole('link', { name: /Three fifths/ })).toBeVisible()
  await graph
    .getByRole('link', { name: /^Receipt of this: mix/ })
    .first()
    .click()
  await expect(page.getByRole('heading', { name: 'Mixed states' })).toBeVisible()
})

test('a mix with keys and values is refused with the reason', async ({ page }) => {
  await goTo(page, 'Inspect')
  await page.getByRole('combobox', { name: 'Another cartridge' }).fill('Harbor Coffee handbook')
  await page
    .getByRole('option', { name: /Harbor Coffee handbook/ })
    .first()
    .click()
  await expect(page.getByRole('option', { name: 'KV cache' })).toBeVisible()
  const id = /inspect\/([^?]+)/.exec(page.url())?.[1]
  await page.evaluate(hash => {
    location.hash = hash
  }, `/remix/${id}?do=mix`)
  await expect(page.getByText(/holds keys and values by position/)).toBeVisible()
  await expect(page.getByRole('button', { name: 'Keep this mix' })).toBeDisabled()
})

test('receipts: the chain holds, filters, replays to the same operation id', async ({ page }) => {
  await goTo(page, 'Receipts')
  await page.getByRole('button', { name: 'Verify all' }).click()
  await expect(page.getByText(/^All [\d,]+ receipts hold/)).toBeVisible()
  await page.getByRole('button', { name: /^Created/ }).click()
  await page
    .getByRole('link', { name: /Created a cartridge/ })
    .first()
    .click()
  await page.getByRole('button', { name: 'Run it again' }).click()
  await expect(page.getByText(/^Same result: sha256:/)).toBeVisible()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export' }).click()
  expect((await download).suggestedFilename()).toMatch(/receipts|log/)
})
