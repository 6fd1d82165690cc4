/** The real command line: `node electron/hosts/cli/main.ts …` in a home of its own. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { expect } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../../..')
// What every start compiles is kept between them: the tests start the program a hundred times.
const COMPILED = join(tmpdir(), 'statepack-compile-cache')
const MAIN = join(ROOT, 'electron', 'hosts', 'cli', 'main.ts')

// biome-ignore lint/suspicious/noExplicitAny: what a program printed; every use asserts what it finds.
type Printed = any

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** What was printed on stdout, which must be one JSON value. */
  json(): Printed
  /** The error on stderr, which must be one line of JSON and nothing else. */
  error(): { code: string; message: string; details: Record<string, unknown> }
}

export interface RunOptions {
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
  /** Sends SIGINT as soon as this says so. */
  readonly interruptWhen?: () => boolean
}

/** A command that runs until it is asked to end. */
export interface Running {
  /** What it printed first, one JSON value; fails when it ends before. */
  readonly printed: Printed
  /** Asks it to end. */
  end(): Promise<Ran>
}

export interface Home {
  readonly folder: string
  path(name: string): string
  write(name: string, content: string | Uint8Array): Promise<string>
  read(name: string): Promise<string>
  run(args: readonly string[], options?: RunOptions): Promise<Ran>
  /** Runs a command that must succeed and returns what it printed. */
  ok(args: readonly string[], options?: RunOptions): Promise<Printed>
  /** Starts a command that prints one value and goes on. */
  start(args: readonly string[], options?: Pick<RunOptions, 'env'>): Promise<Running>
  remove(): void
}

/** Commands run with this folder as their working directory; the app's own store is `app/store` in it. */
export function openHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), 'statepack-cli-'))
  const path = (name: string) => join(folder, name)
  const run = (args: readonly string[], options: RunOptions = {}) => statepack(folder, args, options)
  return {
    folder,
    path,
    async write(name, content) {
      await mkdir(dirname(path(name)), { recursive: true })
      await writeFile(path(name), content)
      return path(name)
    },
    read: name => readFile(path(name), 'utf8'),
    run,
    async ok(args, options) {
      const ran = await run(args, options)
      expect(ran.code, `statepack ${args.join(' ')}: ${ran.stderr}`).toBe(0)
      return ran.json()
    },
    start: (args, options = {}) => startStatepack(folder, args, options),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function spawnStatepack(folder: string, args: readonly string[], { env }: Pick<RunOptions, 'env'>) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, STATEPACK_HOME: join(folder, 'app'), NODE_COMPILE_CACHE: COMPILED, ...env },
    stdio: 'pipe',
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', chunk => {
    said.stdout += chunk
  })
  child.stderr.on('data', chunk => {
    said.stderr += chunk
  })
  const ended = new Promise<number | null>(done => child.on('close', done)).then(
    (code): Ran => ({
      ...{ code, ...said },
      json: () => JSON.parse(said.stdout),
      error: () => JSON.parse(said.stderr).error,
    }),
  )
  return { child, said, ended }
}

async function statepack(folder: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const { child, ended } = spawnStatepack(folder, args, options)
  child.stdin.on('error', () => {})
  child.stdin.end(options.stdin ?? '')
  const { interruptWhen } = options
  const watch =
    interruptWhen === undefined
      ? undefined
      : setInterval(() => {
          if (!interruptWhen()) return
          clearInterval(watch)
          child.kill('SIGINT')
        }, 10)
  const ran = await ended
  clearInterval(watch)
  return ran
}

async function startStatepack(
  folder: string,
  args: readonly string[],
  options: Pick<RunOptions, 'env'>,
): Promise<Running> {
  const { child, said, ended } = spawnStatepack(folder, args, options)
  const printed = new Promise<Printed>(resolve =>
    child.stdout.on('data', () => {
      if (said.stdout.trimEnd().endsWith('}')) resolve(JSON.parse(said.stdout))
    }),
  )
  const early = ended.then(({ code, stderr }) => {
    throw new Error(`statepack ${args.join(' ')} ended with ${code}: ${stderr}`)
  })
  const end = () => {
    child.kill('SIGTERM')
    return ended
  }
  return { printed: await Promise.race([printed, early]), end }
}

/** What a store durably holds: its blobs, what lies half-written, and its receipts. */
export async function storeContents(store: string): Promise<string[]> {
  const list = (name: string) => (existsSync(join(store, name)) ? readdirSync(join(store, name)).sort() : [])
  const log = join(store, 'receipts', 'log.jsonl')
  return [...list('blobs/sha256'), ...list('tmp'), existsSync(log) ? await readFile(log, 'utf8') : '']
}
