/** The real command line in a process of its own: `node electron/hosts/cli/main.ts …`. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'

const ROOT = resolve(import.meta.dirname, '../../..')
const MAIN = join(ROOT, 'electron', 'hosts', 'cli', 'main.ts')
// What every start compiles is kept between them: the tests start the program a hundred times.
const COMPILED = join(tmpdir(), 'statepack-compile-cache')

// biome-ignore lint/suspicious/noExplicitAny: what a program printed; every use asserts what it finds.
export type Printed = any

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** What was printed on stdout, which must be one JSON value. */
  json(): Printed
  /** The error on stderr, which must be one line of JSON and nothing else. */
  error(): { code: string; message: string; details: Record<string, unknown> }
}

export interface SpawnOptions {
  /** Added to the environment of this process. */
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** A command, from its start. */
export interface Spawned {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ran>
}

/** A command that runs until it is asked to end. */
export interface Running {
  /** What it printed first, one JSON object. */
  readonly printed: Printed
  /** Asks it to end. */
  end(): Promise<Ran>
}

export function spawnStatepack(args: readonly string[], { env, cwd }: SpawnOptions): Spawned {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILED, ...env },
    stdio: 'pipe',
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', chunk => {
    said.stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', chunk => {
    said.stderr += chunk
  })
  const ended = new Promise<number | null>(done => child.on('close', done)).then(
    (code): Ran => ({
      ...{ code, ...said },
      json: () => JSON.parse(said.stdout),
      error: () => JSON.parse(said.stderr).error,
    }),
  )
  return { child, ended }
}

/** Resolves once a command that goes on has printed one JSON object; throws when it ends before. */
export async function firstPrinted({ child, ended }: Spawned): Promise<Running> {
  const early = ended.then(({ code, stderr }) => {
    throw new Error(`${child.spawnargs.slice(1).join(' ')} ended with ${code}: ${stderr}`)
  })
  const end = () => {
    child.kill('SIGTERM')
    return ended
  }
  return { printed: await Promise.race([firstObject(child.stdout), early]), end }
}

/** The first thing that comes, a JSON object, in whatever pieces. */
export function firstObject(stream: Readable): Promise<Printed> {
  return new Promise(resolve => {
    let come = ''
    const take = (piece: string) => {
      come += piece
      try {
        resolve(JSON.parse(come))
        stream.off('data', take)
      } catch {
        // Not all of it yet.
      }
    }
    stream.setEncoding('utf8').on('data', take)
  })
}
