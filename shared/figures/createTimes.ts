/**
 * Points in time and times to come, as `locale` writes them; `whole` writes whole numbers, and `gap` stands
 * between a number and its unit.
 */
export function createTimes(locale: string, whole: (value: number) => string, gap: string) {
  const formatter = (options: Intl.DateTimeFormatOptions) => {
    const { format } = new Intl.DateTimeFormat(locale, options)
    return (at: string | number) => format(new Date(at))
  }
  const formatDate = formatter({ day: 'numeric', month: 'short', year: 'numeric' })
  return {
    /** `14:05`. */
    formatHour: formatter({ hour: '2-digit', minute: '2-digit' }),
    /** `14:05:09`. */
    formatClock: formatter({ timeStyle: 'medium' }),
    /** `3 Feb`. */
    formatDay: formatter({ day: 'numeric', month: 'short' }),
    /** `3 Feb 2026`. */
    formatDate,
    /** `3 Feb 2026, 14:05:09`. */
    formatMoment: formatter({ dateStyle: 'medium', timeStyle: 'medium' }),
    /** `8 s left`, for estimates: never finer than a second. */
    formatEta(seconds: number): string {
      if (seconds < 1) return 'less than a second left'
      return seconds < 100
        ? `${whole(Math.ceil(seconds))}${gap}s left`
        : `${whole(Math.ceil(seconds / 60))}${gap}min left`
    },
    /** `just now`, `5 min ago`, `yesterday`, then the date; what is no time stays as it is. */
    formatAgo(iso: string, now: number = Date.now()): string {
      const then = Date.parse(iso)
      if (Number.isNaN(then)) return iso
      const minutes = Math.round((now - then) / 60_000)
      if (minutes < 1) return 'just now'
      if (minutes < 60) return `${minutes}${gap}min ago`
      if (minutes < 24 * 60) return `${Math.round(minutes / 60)}${gap}h ago`
      return minutes < 48 * 60 ? 'yesterday' : formatDate(then)
    },
  }
}
