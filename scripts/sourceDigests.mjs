// Of what sources out/ was built: the build writes down their digests, and what wants to know compares them. Times tell nothing
// after a copy.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'

const SOURCES = ['shared', 'electron', 'renderer', 'electron.vite.config.ts', 'package-lock.json']
const BUILT_OF = join('out', 'sources.json')

/** The SHA-256 of a file, or of a folder's files, by their paths, sizes and contents; null where there is none. */
function digestOf(path) {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return null
  const files = stats.isDirectory()
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => relative(path, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .sort()
    : ['']
  const hash = createHash('sha256')
  for (const file of files) {
    const bytes = readFileSync(join(path, file))
    hash.update(`${file}\0${bytes.byteLength}\0`).update(bytes)
  }
  return hash.digest('hex')
}

/** The digests of the sources as they are, by their names. */
export function sourceDigests(root) {
  return Object.fromEntries(SOURCES.map(name => [name, digestOf(join(root, name))]))
}

/** The digests of what out/ was built of; null where no build was finished. */
export function builtOf(root) {
  try {
    return JSON.parse(readFileSync(join(root, BUILT_OF), 'utf8'))
  } catch {
    return null
  }
}

/** Says that out/ is of these sources; null, of none that are known, while a build writes it. */
export function setBuiltOf(root, digests) {
  const file = join(root, BUILT_OF)
  if (digests === null) return rmSync(file, { force: true })
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(digests, null, 2)}\n`)
}
