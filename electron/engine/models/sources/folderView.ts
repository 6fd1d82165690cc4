import { type Dirent, readdirSync, readFileSync, type Stats, statSync } from 'node:fs'

/** Folders change between two ticks of a file system's clock (FAT: two seconds): what is younger may change again unseen. */
const TICK_MS = 2000
/** Some file systems never say that a folder changed. */
const LONGEST_MS = 5000

/** Looks at files and folders, and knows whether looking again would show the same. Nothing it does throws. */
export class FolderView {
  readonly #began = Date.now()
  readonly #seen = new Map<string, string>()
  #isSettled = true

  /** What lies in a folder, by name; null when it cannot be read, as a file cannot. */
  list(folder: string): Dirent[] | null {
    this.#note(folder)
    try {
      return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
    } catch {
      return null
    }
  }

  /** What a path leads to, through links; null when there is nothing. */
  find(path: string): Stats | null {
    return this.#note(path)
  }

  isFile(path: string): boolean {
    return this.find(path)?.isFile() === true
  }

  /** A file's text; null when it cannot be read or is larger than `limit` bytes. */
  read(path: string, limit: number): string | null {
    const found = this.find(path)
    if (!found?.isFile() || found.size > limit) return null
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return null
    }
  }

  /** Whether everything is as it was: a look at each path that was looked at, and at nothing in them. */
  isCurrent(): boolean {
    const age = Date.now() - this.#began
    if (!this.#isSettled || age < 0 || age > LONGEST_MS) return false
    for (const [path, before] of this.#seen) if (stampOf(lookAt(path)) !== before) return false
    return true
  }

  #note(path: string): Stats | null {
    const found = lookAt(path)
    this.#seen.set(path, stampOf(found))
    if (found !== null && Math.max(found.mtimeMs, found.ctimeMs) > this.#began - TICK_MS) this.#isSettled = false
    return found
  }
}

function lookAt(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null
  } catch {
    return null
  }
}

function stampOf(found: Stats | null): string {
  return found === null ? '' : [found.dev, found.ino, found.mode, found.size, found.mtimeMs, found.ctimeMs].join(' ')
}
