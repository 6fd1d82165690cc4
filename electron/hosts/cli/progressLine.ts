import { ENGLISH } from '#shared/figures/createFigures.ts'
import { progressFacts } from '#shared/figures/progressFacts.ts'
import type { Progress } from '#shared/rpc/progress.ts'

/** Progress on stderr: one line that is rewritten on a terminal, nothing at all elsewhere or when it is not wanted. */
export function createProgressLine(wanted: boolean) {
  const shown = wanted && process.stderr.isTTY
  let dirty = false
  return {
    show(progress: Progress): void {
      if (!shown) return
      process.stderr.write(`\r\u001b[K${sentence(progress)}`)
      dirty = true
    },
    end(): void {
      if (dirty) process.stderr.write('\r\u001b[K')
      dirty = false
    },
  }
}

function sentence(progress: Progress): string {
  const { phase, part } = progress
  const doing = part === undefined ? phase : `${phase} part ${part.number} of ${part.of}`
  return [doing, ...progressFacts(progress, ENGLISH)].join(' · ')
}
