// Electron's npm package holds no program: it is downloaded at first use, from a host that not every network lets one reach.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const RELEASES = 'https://github.com/electron/electron/releases/download'
const PROBE_MS = 3000
/** Long enough for a slow line; the download goes on only while its host really answers. */
const DOWNLOAD_MS = 180_000

function installed(folder) {
  try {
    const program = join(folder, 'dist', readFileSync(join(folder, 'path.txt'), 'utf8'))
    return existsSync(program) ? program : null
  } catch {
    return null
  }
}

/** Whether the first bytes of the very file that would be downloaded arrive within three seconds. */
async function canBeFetched(version) {
  const base = process.env.ELECTRON_MIRROR ?? process.env.npm_config_electron_mirror ?? `${RELEASES}/`
  const file = `electron-v${version}-${process.platform}-${process.arch}.zip`
  try {
    const response = await fetch(`${base}v${version}/${file}`, {
      headers: { range: 'bytes=0-15' },
      signal: AbortSignal.timeout(PROBE_MS),
    })
    const first = await response.body?.getReader().read()
    return response.ok && first?.value?.[0] === 0x50 && first.value[1] === 0x4b
  } catch {
    return false
  }
}

/** Finds Electron's program, or fetches it. `{ program }`, or `{ program: null, why }` in half a sentence. */
export async function findElectron(root) {
  const folder = join(root, 'node_modules', 'electron')
  if (!existsSync(join(folder, 'package.json'))) return { program: null, why: 'Electron is not installed' }
  const present = installed(folder)
  if (present !== null) return { program: present }
  if (process.env.ELECTRON_SKIP_BINARY_DOWNLOAD) {
    return { program: null, why: 'Electron’s program is not here and fetching it is switched off' }
  }
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (!(await canBeFetched(version))) {
    return { program: null, why: `Electron ${version} is not on this machine and its download host cannot be reached` }
  }
  process.stderr.write(`Fetching Electron ${version}, once …\n`)
  const fetching = spawn(process.execPath, [join(folder, 'install.js')], { stdio: ['ignore', 'ignore', 'ignore'] })
  const timer = setTimeout(() => fetching.kill('SIGKILL'), DOWNLOAD_MS)
  await new Promise(resolve => fetching.on('close', resolve).on('error', resolve))
  clearTimeout(timer)
  const program = installed(folder)
  return program === null ? { program, why: `the download of Electron ${version} did not finish` } : { program }
}
