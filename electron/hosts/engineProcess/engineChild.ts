/** The running engine process as its parent holds it: `child_process.fork` here, `utilityProcess` in the shell. */
import { fork } from 'node:child_process'
import type { FromEngine, ToEngine } from './messages.ts'

export interface EngineChild {
  readonly pid: number | undefined
  send(message: ToEngine): void
  onMessage(listener: (message: FromEngine) => void): void
  /** Called once, with how it ended in words: `exit code 1`, `signal SIGKILL`. */
  onExit(listener: (how: string) => void): void
  kill(): void
}

/**
 * `max-semi-space-size`: MiB, of each half of the young generation. V8 would let it grow to 64, by and by, under a load that drops
 * what it makes, and the process grows for many minutes although nothing is kept. `always-sparkplug`: functions are machine code from
 * their first call on, or the first questions would take several milliseconds more in the interpreter than later ones.
 * `heap-growing-percent`: by how much the heap, and the bytes of array buffers with it, may grow until all of it is collected. V8 itself would
 * say 10 here, and collect for every 8 MB of states that are kept. `no-parallel-scavenge`: so small a young generation is collected sooner by
 * the thread that waits for it than by several, which a busy machine does not let run at the same time.
 */
export const ENGINE_V8_FLAGS = [
  '--max-semi-space-size=8',
  '--always-sparkplug',
  '--heap-growing-percent=60',
  '--no-parallel-scavenge',
] as const

/**
 * Large pieces of memory (states, weights) in the system's huge pages, with glibc: fewer faults when they are first touched, and
 * fewer misses of address translation in every step. https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html
 */
const HUGE_PAGES = 'glibc.malloc.hugetlb=1'

/** A process's environment as the engine gets it; what is set there already stays. */
export function engineEnv(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return { GLIBC_TUNABLES: HUGE_PAGES, ...env }
}

/** Starts `entry` (a .ts or a built .js file) as a child of this process. Its output goes to stderr: stdout is JSON. */
export function forkEngine(entry: string, env?: NodeJS.ProcessEnv): EngineChild {
  const child = fork(entry, [], {
    serialization: 'advanced',
    execArgv: ['--disable-warning=ExperimentalWarning', ...ENGINE_V8_FLAGS],
    env: engineEnv(env),
    stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
  })
  let spawnError: string | null = null
  child.on('error', error => {
    spawnError = error.message
  })
  return {
    get pid() {
      return child.pid
    },
    send: message => {
      if (child.connected) child.send(message, () => {})
    },
    onMessage: listener => {
      child.on('message', message => listener(message as FromEngine))
    },
    onExit: listener => {
      let told = false
      const tell = (how: string) => {
        if (!told) listener(how)
        told = true
      }
      child.on('exit', (code, signal) => tell(signal === null ? `exit code ${code}` : `signal ${signal}`))
      child.on('error', error => child.pid === undefined && tell(spawnError ?? error.message))
    },
    kill: () => {
      child.kill('SIGKILL')
    },
  }
}
