/** What the window benchmarks need: a Studio past its first-run dialog, and frames counted while something moves. */
import type { Page } from '@playwright/test'

/** Leaves the onboarding, where it is shown. */
export async function enterStudio(page: Page): Promise<void> {
  const skip = page.getByRole('button', { name: 'Skip', exact: true })
  await skip.click({ timeout: 15_000 }).catch(() => {})
}

export interface Frames {
  readonly 'frames / s': number
  /** The longest time between two frames. */
  readonly 'longest frame ms': number
  /** What script, style and layout took of a frame; the rest is drawing and waiting. */
  readonly 'page ms / frame': number
}

/** Counts frames for `ms` while `move` is run in the page once a frame, on the element that the selector finds. */
export async function countFrames(page: Page, selector: string, move: 'scroll' | 'wheel', ms = 3000): Promise<Frames> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable')
  const busySeconds = async () =>
    (await devtools.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0
  const before = await busySeconds()
  const { seconds, frames, longest } = await moveAndCount(page, selector, move, ms)
  const busy = (await busySeconds()) - before
  return { 'frames / s': frames / seconds, 'longest frame ms': longest, 'page ms / frame': (busy * 1000) / frames }
}

function moveAndCount(page: Page, selector: string, move: 'scroll' | 'wheel', ms: number) {
  return page.evaluate(
    ([selector, move, ms]) =>
      new Promise<{ seconds: number; frames: number; longest: number }>((done, failed) => {
        const element = document.querySelector(selector)
        if (element === null) return failed(new Error(`There is no ${selector}.`))
        const { left, top, width, height } = element.getBoundingClientRect()
        const times: number[] = []
        const step = () => {
          times.push(performance.now())
          if (move === 'scroll') element.scrollTop += 120
          else {
            const wheel = { deltaY: times.length % 60 < 30 ? -40 : 40, bubbles: true, cancelable: true }
            element.dispatchEvent(
              new WheelEvent('wheel', { ...wheel, clientX: left + width / 2, clientY: top + height / 2 }),
            )
          }
          if (times.length < 2 || performance.now() - (times[0] ?? 0) < ms) return requestAnimationFrame(step)
          const gaps = times.slice(1).map((time, at) => time - (times[at] ?? time))
          const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000
          done({ seconds, frames: gaps.length, longest: Math.max(...gaps) })
        }
        requestAnimationFrame(step)
      }),
    [selector, move, ms] as const,
  )
}
