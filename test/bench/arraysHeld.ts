import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of all arrays that something still refers to: what is garbage does not count. */
export async function arraysHeld(): Promise<number> {
  let held = Number.POSITIVE_INFINITY
  for (let still = 0; still < 5; still++) {
    collect()
    // Their memory is given back a little later.
    await pause(10)
    const now = process.memoryUsage().arrayBuffers
    if (now < held) still = 0
    held = Math.min(held, now)
  }
  return held
}
