/** The built window, read once: a request can only name a file that was there at start, so no path reaches the disk. */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
}

export interface PageAsset {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: string
  /** Named by its content, so it never changes. */
  readonly immutable: boolean
}

export interface PageAssets {
  /** The file at a URL path; the page itself for a path of its own router; null for a file there is not. */
  find(path: string): PageAsset | null
}

/** Reads the folder the renderer was built into. A folder that is missing gives a window that says so. */
export async function loadPageAssets(folder: string): Promise<PageAssets> {
  const files = new Map<string, PageAsset>()
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of names.filter(name => name.isFile())) {
    const file = join(entry.parentPath, entry.name)
    const path = `/${file.slice(folder.length).split(sep).filter(Boolean).join('/')}`
    files.set(path, {
      bytes: new Uint8Array(await readFile(file)),
      type: TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream',
      immutable: path.startsWith('/assets/'),
    })
  }
  const notBuilt: PageAsset = {
    bytes: new TextEncoder().encode('The window of the Studio has not been built here. Run: npm run build\n'),
    type: 'text/plain; charset=utf-8',
    immutable: false,
  }
  const page = files.get('/index.html') ?? notBuilt
  return {
    find(path) {
      const file = files.get(path)
      if (file !== undefined) return file
      return /\.[a-z0-9]+$/i.test(path) ? null : page
    },
  }
}
