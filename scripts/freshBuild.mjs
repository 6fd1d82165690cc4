// Builds out/ when it is missing or of other sources; processes that want it at the same time wait for one build.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  futimes,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { builtOf, sourceDigests } from './sourceDigests.mjs'

const PRODUCTS = [
  'main/main.js',
  'main/engine.js',
  'main/serve.js',
  'main/cli.js',
  'preload/preload.cjs',
  'renderer/index.html',
]
/** A build that goes on, however long it takes, says so this often on its lock. */
const SIGN_MS = 2_000
/** A lock without a sign for this long was left by a build that was killed. */
const STALE_MS = 90_000

function isBuilt(root) {
  return PRODUCTS.every(file => existsSync(join(root, 'out', file)))
}

/** Whether out/ is whole, and of the sources as they are, but for those that are left out. */
function isFresh(root, leftOut = []) {
  if (!isBuilt(root)) return false
  const built = builtOf(root)
  return (
    built !== null &&
    Object.entries(sourceDigests(root)).every(([name, is]) => leftOut.includes(name) || built[name] === is)
  )
}

/** What an installation without its build tools says of a build that is not of its sources; null where there is nothing to say. */
function stalenessOf(root) {
  // npm prune writes package-lock.json anew.
  return !isBuilt(root) || isFresh(root, ['package-lock.json'])
    ? null
    : 'This Studio was built of other sources than are here, and what builds it was left out: what you start is the other one. To build it again, run: npm ci && npm prune --omit=dev'
}

/** The lock's open file; null while another has it. */
function takeLock(lock) {
  try {
    return openSync(lock, 'wx')
  } catch {
    if (isLeft(lock)) putAway(lock)
    return null
  }
}

function isLeft(lock) {
  const taken = statSync(lock, { throwIfNoEntry: false })
  return taken !== undefined && Date.now() - taken.mtimeMs > STALE_MS
}

/** Of all that saw a lock left behind, one gets it. By then it may be the new one of another, who goes on having it. */
function putAway(lock) {
  const own = `${lock}.${randomUUID()}`
  try {
    renameSync(lock, own)
    if (!isLeft(own)) linkSync(own, lock)
  } catch {
    // Another was first.
  }
  rmSync(own, { force: true, recursive: true })
}

/** Gives back one's own lock, and nobody else's. */
function giveLock(lock, file) {
  if (statSync(lock, { throwIfNoEntry: false })?.ino === fstatSync(file).ino) rmSync(lock, { force: true })
  closeSync(file)
}

/**
 * Resolves when out/ is up to date; throws when the build fails. In a package without its build tools nothing is built, and a
 * build of other sources is said to be one.
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
    const file = takeLock(lock)
    if (file === null) {
      await new Promise(resolve => setTimeout(resolve, 100))
      continue
    }
    const signs = setInterval(() => futimes(file, new Date(), new Date(), () => {}), SIGN_MS)
    try {
      const build = spawn(node, [program, 'build', '--logLevel', 'error'], { cwd: root, stdio: ['ignore', 2, 2] })
      const status = await new Promise(resolve => build.on('exit', resolve).on('error', () => resolve(1)))
      if (status !== 0) throw new Error('The Studio could not be built.')
      return
    } finally {
      clearInterval(signs)
      giveLock(lock, file)
    }
  }
}
