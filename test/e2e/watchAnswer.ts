import type { Page } from '@playwright/test'

/**
 * Records every text that an answer shows while it is written. Call before asking; the function returned resolves to what
 * was seen so far, in order. A stream is seen as texts of which each begins with the one before it.
 */
export async function watchAnswer(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const seen: string[] = []
    Object.assign(window, { seenWhileWriting: seen })
    new MutationObserver(() => {
      const text = document.querySelector('[aria-busy="true"] p')?.textContent ?? ''
      if (text !== '' && text !== seen.at(-1)) seen.push(text)
    }).observe(document.body, { subtree: true, childList: true, characterData: true })
  })
  return () => page.evaluate(() => (window as unknown as { seenWhileWriting: string[] }).seenWhileWriting)
}
