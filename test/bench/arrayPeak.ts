import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
// What is collected is given back before the collector returns.
setFlagsFromString('--no-concurrent-array-buffer-sweeping')
const collect = runInNewContext('gc') as () => void

const ARRAYS = ['Float32Array', 'Float16Array', 'Uint8Array'] as const
/** Smaller arrays are counted with the next larger one. */
const COUNTED = 32 * 1024

/**
 * The most bytes of arrays that something refers to at any time while a task runs, beyond those before it: looked at whenever
 * numbers or bytes are given memory, without what is garbage by then.
 */
export async function arrayPeak(task: () => Promise<unknown>): Promise<number> {
  const held = () => {
    collect()
    return process.memoryUsage().arrayBuffers
  }
  const before = held()
  let peak = 0
  const look = () => {
    peak = Math.max(peak, held() - before)
  }
  const own = ARRAYS.map(name => [name, globalThis[name]] as const)
  const watched = own.map(([name, make]) => {
    const construct = (target: typeof make, args: unknown[], newTarget: typeof make) => {
      const made: InstanceType<typeof make> = Reflect.construct(target, args, newTarget)
      if (made.byteLength >= COUNTED && !(args[0] instanceof ArrayBuffer)) look()
      return made
    }
    return [name, new Proxy(make, { construct })] as const
  })
  Object.assign(globalThis, Object.fromEntries(watched))
  try {
    await task()
    look()
  } finally {
    Object.assign(globalThis, Object.fromEntries(own))
  }
  return peak
}
