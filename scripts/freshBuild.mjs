// Builds out/ when it is missing or older than a source; processes that want it at the same time wait for one build.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const SOURCES = ['shared', 'electron', 'renderer', 'electron.vite.config.ts', 'package-lock.json']
const PRODUCTS = [
  'main/main.js',
  'main/engine.js',
  'main/serve.js',
  'main/cli.js',
  'preload/preload.cjs',
  'renderer/index.html',
]
/** A lock older than this was left by a build that was killed. */
const STALE_MS = 90_000

/** The newest change of a file, or of a folder and what is below it, milliseconds. */
function newest(folder) {
  if (!existsSync(folder)) return 0
  const { mtimeMs } = statSync(folder)
  if (!statSync(folder).isDirectory()) return mtimeMs
  // A folder's own changes when something in it is deleted.
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce(
    (latest, entry) => Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs),
    mtimeMs,
  )
}

/** When the oldest product was built, milliseconds; null where one is missing. */
function builtAt(root) {
  const built = PRODUCTS.map(file => join(root, 'out', file))
  if (!built.every(file => existsSync(file))) return null
  return Math.min(...built.map(file => statSync(file).mtimeMs))
}

function isFresh(root, sources = SOURCES) {
  const built = builtAt(root)
  return built !== null && built > Math.max(...sources.map(name => newest(join(root, name))))
}

/** What an installation without its build tools says of a build that is not of its sources; null where there is nothing to say. */
function stalenessOf(root) {
  // npm prune writes package-lock.json anew.
  const sources = SOURCES.filter(name => name !== 'package-lock.json')
  return builtAt(root) === null || isFresh(root, sources)
    ? null
    : 'This Studio was built before its sources last changed, and what builds it was left out: what you start is the older one. To build it again, run: npm ci && npm prune --omit=dev'
}

function takeLock(lock) {
  try {
    mkdirSync(lock)
    return true
  } catch {
    if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > STALE_MS) rmdirSync(lock)
    return false
  }
}

/**
 * Resolves when out/ is up to date; throws when the build fails. In a package without its build tools nothing is built, and an
 * older build is said to be one.
 */
export async function freshBuild(root, node = process.execPath) {
  const program = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
  if (!existsSync(program)) {
    const staleness = stalenessOf(root)
    if (staleness !== null) console.error(staleness)
    return
  }
  mkdirSync(join(root, 'node_modules', '.cache'), { recursive: true })
  const lock = join(root, 'node_modules', '.cache', 'build.lock')
  while (!isFresh(root)) {
    if (!takeLock(lock)) {
      await new Promise(resolve => setTimeout(resolve, 100))
      continue
    }
    try {
      const build = spawn(node, [program, 'build', '--logLevel', 'error'], { cwd: root, stdio: ['ignore', 2, 2] })
      const status = await new Promise(resolve => build.on('exit', resolve).on('error', () => resolve(1)))
      if (status !== 0) throw new Error('The Studio could not be built.')
      return
    } finally {
      rmdirSync(lock)
    }
  }
}
