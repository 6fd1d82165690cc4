import { ask, expect, goTo, insert, test } from './fixtures.ts'

test('rewind to a step, branch there, and keep an answer as a cartridge', async ({ page }) => {
  await insert(page, 'Harbor Coffee handbook')
  const first = await ask(page, 'Who is the manager of Harbor Coffee?')
  await expect(first).toContainText('Lena Ortiz')
  const saved = (text: string | null) => Number(/([\d,]+) not re-read/.exec(text ?? '')?.[1]?.replace(',', ''))
  const fromCartridge = saved(await first.textContent())
  expect(fromCartridge).toBeGreaterThan(0)
  await ask(page, 'Who is the supplier of Harbor Coffee?')
  const steps = page.getByRole('list', { name: 'Steps' })
  await expect(steps.getByRole('button')).toHaveCount(3)

  // Back to the first answer: what came after it is aside, and the next question continues there.
  await steps.getByRole('button', { name: /Who is the manager/ }).click()
  await expect(steps.getByRole('button', { name: /Who is the manager/ })).toHaveAttribute('aria-current', 'step')
  await expect(page.getByRole('article')).toHaveCount(1)
  const branched = await ask(page, 'What is the phone of Harbor Coffee?')
  await expect(branched).toContainText('not re-read')
  await expect(page.getByRole('article')).toHaveCount(2)
  await expect(steps.getByRole('button')).toHaveCount(4)
  // The branch re-used more than the cartridge alone: the first question and its answer too.
  expect(saved(await branched.textContent())).toBeGreaterThan(fromCartridge)

  await page.getByRole('button', { name: 'Keep as a cartridge' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: 'Name' }).fill('A branch kept')
  await dialog.getByRole('button', { name: 'Keep' }).click()
  await expect(dialog).toHaveCount(0)

  await expect(page.getByRole('option', { name: /A branch kept/ })).toHaveAttribute('aria-selected', 'true')

  // Coming back to Ask is coming back to it, after a reload, too.
  await page.reload()
  await goTo(page, 'Ask')
  await expect(steps.getByRole('button')).toHaveCount(4)

  // And the lineage says where the kept one came from.
  await goTo(page, 'Remix')
  await page.getByRole('radio', { name: 'Lineage' }).click()
  const graph = page.getByRole('region', { name: 'Graph of descent' })
  await expect(graph.getByRole('link', { name: /A branch kept/ })).toBeVisible()
  await expect(graph.getByRole('link', { name: /Harbor Coffee handbook/ })).toBeVisible()
})
