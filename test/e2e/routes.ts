import { expect, type Page } from '@playwright/test'
import { quiet } from './quiet.ts'

/** Every route, and every view that a route shows in its place. */
export const ROUTES = [
  'library',
  'community',
  'new',
  'ask',
  'inspect',
  'inspect?part=tokens',
  'inspect?part=logits',
  'inspect?part=compare',
  'inspect?part=miss',
  'remix?do=append',
  'remix?do=compose',
  'remix?do=mix',
  'remix?do=compact',
  'remix?do=lineage',
  'receipts',
  'savings',
  'savings?tab=loop',
  'savings?tab=calculator',
  'savings?tab=provider',
  'savings?tab=prices',
  'models',
  'memory',
  'server',
  'settings',
  'nowhere',
]
/** Goes there, and waits until nothing moves any more. */
export async function show(page: Page, route: string): Promise<void> {
  await page.evaluate(to => {
    location.hash = `/${to}`
  }, route)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await quiet(page)
}
