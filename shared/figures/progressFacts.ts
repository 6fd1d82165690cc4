import type { Progress } from '../rpc/progress.ts'
import type { Figures } from './createFigures.ts'

const UNITS = { tokens: 'tok', bytes: 'B', items: 'items' } as const

/** `1,204 of 3,000 tokens`, `1,204 tok/s`, `8 s left`: what is known of a running call. Only what was measured is said. */
export function progressFacts({ done, total, unit, rate, etaSeconds }: Progress, figures: Figures): string[] {
  const { formatBytes, formatCount, formatCounted, formatEta, formatRate } = figures
  const amount = (value: number) => (unit === 'bytes' ? formatBytes(value) : formatCount(value))
  const last = (value: number) => (unit === 'tokens' ? formatCounted(value, 'token') : amount(value))
  return [
    ...(done === undefined ? [] : [total === undefined ? last(done) : `${amount(done)} of ${last(total)}`]),
    ...(rate === undefined
      ? []
      : [unit === 'bytes' ? `${formatBytes(rate)}/s` : formatRate(rate, UNITS[unit ?? 'items'])]),
    ...(etaSeconds === undefined ? [] : [formatEta(etaSeconds)]),
  ]
}

/** How far it is, 0 to 1; null while nobody knows. */
export function progressShare(progress: Progress | null): number | null {
  const { done, total } = progress ?? {}
  return done === undefined || total === undefined || total === 0 ? null : Math.min(1, done / total)
}
