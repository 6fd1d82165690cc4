/** How much of one pace there is to read. */
export interface Amount {
  readonly lane: string
  readonly pace: string
  readonly size: number
}

/** How far a running job is: the share that was read in so many seconds, and what its own report says is left. */
export interface Underway extends Amount {
  readonly share: number
  readonly seconds: number
  readonly etaSeconds: number | null
}

/**
 * Seconds until everything is done, from measured speeds alone: of what has ended, or of what runs. Null where something is
 * like nothing that was measured. Lanes go on beside each other, so the longest counts.
 */
export function secondsLeft({
  waiting,
  running,
  measured,
}: {
  readonly waiting: readonly Amount[]
  readonly running: readonly Underway[]
  readonly measured: readonly { readonly pace: string; readonly size: number; readonly seconds: number }[]
}): number | null {
  const speeds = new Map(
    running.filter(({ share, seconds }) => share > 0 && seconds > 0).map(one => [one.pace, speedOf(one)]),
  )
  // What has ended counts setting up and storing, too.
  for (const { pace, size, seconds } of measured) if (size > 0) speeds.set(pace, size / seconds)
  const lanes = new Map<string, number>()
  const add = (lane: string, seconds: number) => lanes.set(lane, (lanes.get(lane) ?? 0) + seconds)
  for (const one of running) {
    const speed = speeds.get(one.pace)
    const left = one.etaSeconds ?? (speed === undefined ? null : (one.size * (1 - one.share)) / speed)
    if (left === null) return null
    add(one.lane, left)
  }
  for (const { lane, pace, size } of waiting) {
    const speed = speeds.get(pace)
    if (speed === undefined || speed === 0) return null
    add(lane, size / speed)
  }
  return lanes.size === 0 ? null : Math.max(...lanes.values())
}

function speedOf({ size, share, seconds }: Underway): number {
  return (size * share) / seconds
}
