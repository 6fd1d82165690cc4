import type { Page } from '@playwright/test'

/** Resolves when the page has not changed for a quarter of a second: what was asked for has arrived and is drawn. */
export async function quiet(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>(resolve => {
        let timer = setTimeout(done, 250)
        // Something that never rests, such as a clock, is no reason to wait for ever.
        const limit = setTimeout(done, 5000)
        const observer = new MutationObserver(() => {
          clearTimeout(timer)
          timer = setTimeout(done, 250)
        })
        function done(): void {
          clearTimeout(timer)
          clearTimeout(limit)
          observer.disconnect()
          resolve()
        }
        observer.observe(document.documentElement, { subtree: true, childList: true, attributes: true })
      }),
  )
}
