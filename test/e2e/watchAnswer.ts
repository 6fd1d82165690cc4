import type { Page } from '@playwright/test'

/**
 * Records the pieces of answers as they reach the window. Call before asking; the function returned resolves to the pieces
 * so far, in order. Read off the stream rather than the screen: on a busy machine a short answer is whole before the first
 * frame is painted.
 */
export async function watchAnswer(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const pieces: string[] = []
    Object.assign(window, { piecesOfAnswers: pieces })
    const reader = ReadableStreamDefaultReader.prototype
    const read = reader.read
    reader.read = async function (this: ReadableStreamDefaultReader<unknown>) {
      const result = await read.call(this)
      if (result.value instanceof Uint8Array) {
        const text = new TextDecoder().decode(result.value)
        for (const [, piece] of text.matchAll(/"item":\{"of":"\w+","text":("(?:[^"\\]|\\.)*")/g))
          pieces.push(JSON.parse(piece ?? '""'))
      }
      return result
    }
  })
  return () => page.evaluate(() => (window as unknown as { piecesOfAnswers: string[] }).piecesOfAnswers)
}
