import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of all arrays that something still refers to: what is garbage does not count. */
export async function arraysHeld(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect()
    // Their memory is given back a little later.
    await pause(10)
  }
  return process.memoryUsage().arrayBuffers
}
