import { expect, type Page } from '@playwright/test'

type Reached = 'button' | 'textbox' | 'listbox' | 'radio' | 'slider' | 'link' | 'switch'

/** Presses Tab until the control has the focus; fails when a whole round does not reach it. */
export async function tabTo(page: Page, role: Reached, name: string | RegExp): Promise<void> {
  const wanted = page.getByRole(role, { name, exact: typeof name === 'string' }).first()
  await expect(wanted).toBeVisible()
  for (let i = 0; i < 160; i++) {
    if (await wanted.evaluate(element => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not reach the ${role} “${name}”.`)
}
