// Where the Electron program for a package comes from: a path that is given, the cache of downloads, or the installed one.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'

const RELEASES = 'https://github.com/electron/electron/releases/download'

/** The cache in which `@electron/get` keeps what it fetched, as its own default has it. */
function defaultCache(env, platform) {
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'electron')
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'electron', 'Cache')
  return join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'electron')
}

/** The file in a folder or one level below it, where the cache keeps each download in a folder of its own; null for none. */
function inFolder(folder, name) {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return null
  const folders = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory())
  return [folder, ...folders.map(entry => join(folder, entry.name))].map(at => join(at, name)).find(existsSync) ?? null
}

async function sha256(file) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/**
 * `{ path }` of a zip that is the published one byte for byte, or of an unpacked distribution that somebody gave by
 * `ELECTRON_DIST`; else `{ path: null, name, url, sha256, looked }`: what is missing, where it is published, where it was
 * looked for. Throws for a zip of that name with other bytes.
 */
export async function findElectronDist(
  root,
  { env = process.env, platform = process.platform, arch = process.arch } = {},
) {
  const electron = join(root, 'node_modules', 'electron')
  const { version } = JSON.parse(readFileSync(join(electron, 'package.json'), 'utf8'))
  const name = `electron-v${version}-${platform}-${arch}.zip`
  const expected = JSON.parse(readFileSync(join(electron, 'checksums.json'), 'utf8'))[name]
  const program = platform === 'darwin' ? 'Electron.app' : platform === 'win32' ? 'electron.exe' : 'electron'
  const given = env.ELECTRON_DIST
  const cache = env.electron_config_cache ?? env.ELECTRON_CACHE ?? defaultCache(env, platform)
  const looked = given === undefined ? [cache, join(electron, 'dist')] : [resolve(given)]
  for (const place of looked) {
    if (!existsSync(place)) continue
    if (existsSync(join(place, program))) return { path: place }
    const zip = place.endsWith('.zip') ? place : inFolder(place, name)
    if (zip === null) continue
    const found = await sha256(zip)
    if (found !== expected)
      throw new Error(`${zip} is not the published ${name}: its SHA-256 is ${found}, not ${expected}.`)
    return { path: zip }
  }
  return { path: null, name, url: `${RELEASES}/v${version}/${name}`, sha256: expected, looked }
}
