/** The command line in a home of its own. */
import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { firstPrinted, type Printed, type Ran, type Running, type Spawned, spawnStatepack } from './startStatepack.ts'

export interface RunOptions {
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
  /** Sends SIGINT as soon as this says so. */
  readonly interruptWhen?: () => boolean
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
  /** Kills what still runs, and removes the folder. */
  remove(): Promise<void>
}

/** Commands run with this folder as their working directory; the app's own store is `app/store` in it. */
export function openHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), 'statepack-cli-'))
  const path = (name: string) => join(folder, name)
  const running = new Set<Spawned>()
  const start = (args: readonly string[], { env }: RunOptions = {}) => {
    const spawned = spawnStatepack(args, { cwd: folder, env: { STATEPACK_HOME: path('app'), ...env } })
    running.add(spawned)
    spawned.ended.then(() => running.delete(spawned))
    return spawned
  }
  const run = (args: readonly string[], options: RunOptions = {}) => toItsEnd(start(args, options), options)
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
    start: (args, options) => firstPrinted(start(args, options)),
    async remove() {
      for (const { child } of running) child.kill('SIGKILL')
      await Promise.all([...running].map(({ ended }) => ended))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function toItsEnd({ child, ended }: Spawned, options: RunOptions): Promise<Ran> {
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

/** What a store durably holds: its blobs, what lies half-written, and its receipts. */
export async function storeContents(store: string): Promise<string[]> {
  const list = (name: string) => (existsSync(join(store, name)) ? readdirSync(join(store, name)).sort() : [])
  const log = join(store, 'receipts', 'log.jsonl')
  return [...list('blobs/sha256'), ...list('tmp'), existsSync(log) ? await readFile(log, 'utf8') : '']
}
