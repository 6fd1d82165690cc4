import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { freshBuild } from '../../scripts/freshBuild.mjs'
import { builtOf, setBuiltOf, sourceDigests } from '../../scripts/sourceDigests.mjs'

const PRODUCTS = ['main.js', 'engine.js', 'serve.js', 'cli.js'].map(name => `out/main/${name}`)
const BUILT = [...PRODUCTS, 'out/preload/preload.cjs', 'out/renderer/index.html']
const SOURCES = ['shared/a.ts', 'electron/deep/b.ts', 'renderer/c.tsx', 'electron.vite.config.ts', 'package-lock.json']

/** An installation without its build tools, whose build was finished. */
function pruned() {
  const root = mkdtempSync(join(tmpdir(), 'statepack-pruned-'))
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  for (const file of [...SOURCES, ...BUILT]) write(file, 'as it was')
  setBuiltOf(root, sourceDigests(root))
  return { root, write }
}

async function saidOf(root: string): Promise<readonly unknown[]> {
  const said = vi.spyOn(console, 'error').mockReturnValue()
  await freshBuild(root)
  return said.mock.calls.flat()
}

it('writes down what it built of, once all is built', async () => {
  const root = join(import.meta.dirname, '..', '..')
  await freshBuild(root)
  expect(builtOf(root)).toEqual(sourceDigests(root))
})

/** A package whose build is the program that is written there. */
function builtBy() {
  const root = mkdtempSync(join(tmpdir(), 'statepack-slow-'))
  const bin = join(root, 'node_modules/electron-vite/bin')
  mkdirSync(bin, { recursive: true })
  return { root, program: join(bin, 'electron-vite.js') }
}

it('keeps its lock young while it builds, however long that takes', async () => {
  const { root, program } = builtBy()
  // A build that has taken longer than any before it: it ends when its lock is young, or after a minute in which it was not.
  const build = `
    const { statSync, utimesSync } = require('node:fs')
    const lock = 'node_modules/.cache/build.lock'
    utimesSync(lock, 1000, 1000)
    const end = Date.now() + 60_000
    setInterval(() => {
      if (statSync(lock).mtimeMs > 1_000_000) process.exit(0)
      if (Date.now() > end) process.exit(1)
    }, 50)`
  writeFileSync(program, build)
  await freshBuild(root)
  expect(readdirSync(join(root, 'node_modules/.cache'))).toEqual([])
  rmSync(root, { recursive: true })
})

it('leaves a build that is over in peace, though its lock is gone', async () => {
  const { root, program } = builtBy()
  writeFileSync(program, `require('node:fs').rmSync('node_modules/.cache/build.lock')`)
  await freshBuild(root)
  expect(readdirSync(join(root, 'node_modules/.cache'))).toEqual([])
  rmSync(root, { recursive: true })
})

it('builds when a lock was left behind, and leaves alone the new one of another that saw it first', async () => {
  const { root, program } = builtBy()
  writeFileSync(program, `require('node:fs').writeFileSync('built', '')`)
  const lock = join(root, 'node_modules/.cache/build.lock')
  mkdirSync(dirname(lock))
  writeFileSync(lock, '')
  utimesSync(lock, 1000, 1000)

  const { statSync } = fs
  let looks = 0
  const look = vi.spyOn(fs, 'statSync').mockImplementation(((path: string, options: object) => {
    const found = statSync(path, options)
    // As soon as its age is known, another puts it away and takes its own.
    if (path === lock && ++looks === 1) {
      rmSync(lock)
      writeFileSync(lock, 'of another', { flag: 'wx' })
    }
    return found
  }) as typeof statSync)
  syncBuiltinESMExports()
  try {
    const building = freshBuild(root)
    await expect.poll(() => looks > 2 || existsSync(join(root, 'built'))).toBe(true)
    expect(existsSync(join(root, 'built'))).toBe(false)
    expect(readFileSync(lock, 'utf8')).toBe('of another')
    utimesSync(lock, 1000, 1000)
    await building
    expect(existsSync(join(root, 'built'))).toBe(true)
    expect(readdirSync(dirname(lock))).toEqual([])
  } finally {
    look.mockRestore()
    syncBuiltinESMExports()
  }
  rmSync(root, { recursive: true })
})

describe('an installation without its build tools', () => {
  afterEach(() => vi.restoreAllMocks())

  const changes: [string, (root: string, write: (file: string, text: string) => void) => void][] = [
    ['was changed, to as many bytes', (_, write) => write('electron/deep/b.ts', 'as it is!')],
    ['came', (_, write) => write('electron/deep/c.ts', '')],
    ['was deleted', root => rmSync(join(root, 'renderer/c.tsx'))],
    ['got another name', root => renameSync(join(root, 'shared/a.ts'), join(root, 'shared/b.ts'))],
    ['is of a build that was not finished', root => setBuiltOf(root, null)],
  ]
  it.each(changes)('says once, and how to mend it, that its build is of other sources: one %s', async (_, change) => {
    const { root, write } = pruned()
    change(root, write)
    const said = await saidOf(root)
    expect(said).toHaveLength(1)
    expect(said[0]).toContain('built of other sources')
    expect(said[0]).toContain('npm ci && npm prune --omit=dev')
    rmSync(root, { recursive: true })
  })

  it('says nothing of a build that is of its sources, as npm prune leaves it', async () => {
    const { root, write } = pruned()
    write('package-lock.json', 'without what builds')
    expect(await saidOf(root)).toEqual([])
    rmSync(root, { recursive: true })
  })

  it('says nothing after a copy, in which every source is newer than what was built', async () => {
    const { root } = pruned()
    for (const file of BUILT) utimesSync(join(root, file), 1000, 1000)
    expect(await saidOf(root)).toEqual([])
    rmSync(root, { recursive: true })
  })

  it('says nothing of a build that is not there', async () => {
    const { root } = pruned()
    rmSync(join(root, 'out/main/cli.js'))
    expect(await saidOf(root)).toEqual([])
    rmSync(root, { recursive: true })
  })
})
