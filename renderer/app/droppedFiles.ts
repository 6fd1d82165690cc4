import { DOCUMENT_ENDINGS } from './documentEndings.ts'

export interface Dropped {
  /** Those of a folder are named by their path in it. */
  readonly files: readonly File[]
  /** Files in folders that hold no text as far as their endings say. */
  readonly leftOut: number
  /** True when a folder held more than is taken at once. */
  readonly cut: boolean
}

const MAX_FILES = 2000
const MAX_DEPTH = 20

/**
 * The files of a drop, folders read through. To be called in the drop event itself: afterwards a browser shows nothing of
 * it. Hidden files and folders (`.git`) and installed packages are passed over. Throws what the file system throws.
 */
export function droppedFiles(data: DataTransfer): Promise<Dropped> {
  const entries = [...data.items].filter(item => item.kind === 'file').map(item => item.webkitGetAsEntry())
  // A drop that a script made has files and no entries.
  const loose = entries.every(entry => entry === null) ? [...data.files] : []
  return walk(
    entries.filter(entry => entry !== null),
    loose,
  )
}

async function walk(roots: readonly FileSystemEntry[], loose: readonly File[]): Promise<Dropped> {
  const files = [...loose]
  let leftOut = 0
  const todo = roots.map(entry => ({ entry, depth: 0 })).reverse()
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { entry, depth } = next
    if (files.length >= MAX_FILES) return { files, leftOut, cut: true }
    if (isFolder(entry)) {
      if (depth > 0 && (entry.name.startsWith('.') || entry.name === 'node_modules')) continue
      if (depth >= MAX_DEPTH) return { files, leftOut, cut: true }
      const inside = (await entriesOf(entry)).sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
      todo.push(...inside.map(child => ({ entry: child, depth: depth + 1 })).reverse())
    } else if (isFile(entry)) {
      if (depth === 0) files.push(await fileOf(entry))
      else if (entry.name.startsWith('.')) continue
      else if (!isDocument(entry.name)) leftOut += 1
      else {
        const file = await fileOf(entry)
        files.push(new File([file], entry.fullPath.replace(/^\//, ''), { type: file.type }))
      }
    }
  }
  return { files, leftOut, cut: false }
}

const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory
const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile

function isDocument(name: string): boolean {
  const lower = name.toLowerCase()
  return [...DOCUMENT_ENDINGS, '.cartridge'].some(ending => lower.endsWith(ending))
}

/** A reader gives a hundred at a time, and an empty list at the end. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const all: FileSystemEntry[] = []
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0 || all.length > MAX_FILES * 10) return all
    all.push(...some)
  }
}

const fileOf = (entry: FileSystemFileEntry) => new Promise<File>((resolve, reject) => entry.file(resolve, reject))
