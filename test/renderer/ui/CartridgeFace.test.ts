import { createHash } from 'node:crypto'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CartridgeFace } from '../../../renderer/ui/CartridgeFace.tsx'
import { faceOf } from '../../../renderer/ui/faceOf.ts'
import { type FoundBrowser, launchChromium } from '../../e2e/chromium.ts'

const DOZEN = Array.from({ length: 12 }, (_, at) => `sha256:${createHash('sha256').update(`face ${at}`).digest('hex')}`)
const PIXELS = 24

let chromium: FoundBrowser
beforeAll(async () => {
  chromium = await launchChromium()
})
afterAll(() => chromium.browser.close())

/** Mean difference of colour between every two pictures at 24 by 24 pixels, 0 to 255, the least of all. */
async function leastDifference(pictures: readonly string[]): Promise<number> {
  const page = await chromium.browser.newPage()
  const least = await page.evaluate(
    async ({ sources, side }) => {
      const drawn: Uint8ClampedArray[] = []
      for (const source of sources) {
        const image = new Image()
        image.src = `data:image/svg+xml,${encodeURIComponent(source)}`
        await image.decode()
        const canvas = document.createElement('canvas')
        canvas.width = side
        canvas.height = side
        const context = canvas.getContext('2d')
        context?.drawImage(image, 0, 0, side, side)
        drawn.push(context?.getImageData(0, 0, side, side).data ?? new Uint8ClampedArray())
      }
      let smallest = 255
      for (const [at, a] of drawn.entries())
        for (const b of drawn.slice(at + 1)) {
          let sum = 0
          for (const [index, value] of a.entries()) if (index % 4 < 3) sum += Math.abs(value - (b[index] ?? 0))
          smallest = Math.min(smallest, sum / (3 * side * side))
        }
      return smallest
    },
    { sources: pictures, side: PIXELS },
  )
  await page.close()
  return least
}

function picture(digest: string, kind: 'kv' | 'ssm' | 'hybrid'): string {
  const face = renderToStaticMarkup(createElement(CartridgeFace, { digest, kind, width: PIXELS, height: PIXELS }))
  return face.replace('<svg', `<svg xmlns="http://www.w3.org/2000/svg" width="${PIXELS}" height="${PIXELS}"`)
}

test.each(['kv', 'ssm', 'hybrid'] as const)(
  'a dozen of one kind (%s) are told apart in 24 pixels, even where initials are the same',
  async kind => {
    expect(await leastDifference(DOZEN.map(digest => picture(digest, kind)))).toBeGreaterThan(15)
    // The measure is live: the same face twice is no difference.
    const [first = ''] = DOZEN
    expect(await leastDifference([picture(first, kind), picture(first, kind)])).toBe(0)
  },
)

test.each([
  ['Station card (Mamba)', 'SC'],
  ['handbook', 'ha'],
  ['«Ωmega» über alles', 'ΩÜ'],
  ['漢字の本', '漢字'],
  ['…', ''],
])('the initials of %j are %j', (name, initials) => expect(faceOf('sha256:00', 'kv', name).initials).toBe(initials))
