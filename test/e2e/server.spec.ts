import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, goTo, test } from './fixtures.ts'

test('the server is started, asked by the snippet that is shown, explains the request, and is stopped', async ({
  page,
  studio,
}) => {
  await goTo(page, 'Server')
  await expect(page.getByText('Stopped', { exact: true })).toBeVisible()
  // Another program may have the usual port: each run takes one of its own.
  const port = 20_000 + (process.pid % 20_000)
  await page.getByRole('textbox', { name: 'Port' }).fill(String(port))
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await expect(page.getByText('Running', { exact: true })).toBeVisible()
  await expect(page.getByText(`http://127.0.0.1:${port}`, { exact: true })).toBeVisible()

  // Hidden until it is asked for; the snippet is shown without it, and copied with it.
  const listening = page.getByRole('table', { name: 'Where the server answers' })
  await expect(listening).toContainText('••••')
  await page.getByRole('button', { name: 'Show token' }).click()
  const token = (await listening.getByRole('row', { name: /Token/ }).locator('.mono').textContent()) ?? ''
  expect(token).toMatch(/^[\w-]{43}$/)
  const shown = (await page.getByRole('tabpanel').locator('pre').textContent()) ?? ''
  expect(shown).not.toContain(token)
  const ask = (command: string) => promisify(execFile)('sh', ['-c', `${command} --silent --show-error`])
  const curl = shown.replace('•'.repeat(16), token)
  expect(JSON.parse((await ask(curl)).stdout).choices[0].message.content).not.toBe('')

  const rows = page.getByRole('region', { name: 'Requests to the server' }).getByRole('row')
  await expect(rows.filter({ hasText: 'POST /v1/chat/completions' })).toContainText('200')
  await expect(rows.nth(1)).toContainText('Nothing known begins alike for long enough.')
  await ask(curl)
  await expect(rows.nth(1)).toContainText('Goes on from')
  await expect(page.locator('.Stat', { hasText: 'Requests' })).toContainText('2')

  // What is refused says why; and in a small window every column is there without scrolling sideways.
  await ask(curl.replace('"messages"', '"mesages"'))
  await expect(rows.nth(1)).toContainText('400')
  await expect(rows.nth(1)).toContainText('The field “messages” of')
  await page.setViewportSize({ width: 900, height: 600 })
  const log = page.getByRole('region', { name: 'Requests to the server' })
  expect(await log.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0)
  await page.setViewportSize({ width: 1280, height: 800 })

  // The other window sees the same, and its new token refuses the old one.
  const other = await studio.newWindow()
  await goTo(other, 'Server')
  await other.getByRole('button', { name: 'New token' }).click()
  await expect(listening).not.toContainText(token)
  expect(JSON.parse((await ask(curl)).stdout).error.code).toBe('E_UNAUTHORIZED')
  await other.close()

  const network = page.getByRole('switch', { name: 'Let other machines on the network in' })
  await network.focus()
  await page.keyboard.press('Space')
  await expect(page.getByText(/whoever is between can read the token and every text/)).toBeVisible()
  await page.keyboard.press('Space')
  await expect(page.getByText(/Only programs on this machine reach it/)).toBeVisible()

  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await expect(page.getByText('Stopped', { exact: true })).toBeVisible()
  await expect(ask(curl)).rejects.toThrow()
})
