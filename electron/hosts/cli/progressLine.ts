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

function sentence({ phase, done, total, unit, rate, etaSeconds, part }: Progress): string {
  const parts = [part === undefined ? phase : `${phase} part ${part.number} of ${part.of}`]
  if (done !== undefined) parts.push(`${done}${total === undefined ? '' : ` of ${total}`} ${unit ?? ''}`.trim())
  if (rate !== undefined) parts.push(`${rate.toFixed(0)} ${unit ?? ''}/s`)
  if (etaSeconds !== undefined) parts.push(`${etaSeconds.toFixed(0)} s left`)
  return parts.join(' · ')
}
