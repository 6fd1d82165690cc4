/** Seconds since the last lap, and since the start. */
export function stopwatch() {
  const started = performance.now()
  let lap = started
  return {
    lap() {
      const now = performance.now()
      const seconds = (now - lap) / 1000
      lap = now
      return seconds
    },
    total: () => (performance.now() - started) / 1000,
  }
}
