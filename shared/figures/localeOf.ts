/** A language tag as browsers give it; some give none that is valid (`en-US@posix`): then American English. */
export function localeOf(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? 'en-US'
  } catch {
    return 'en-US'
  }
}
