// `npx statepack` in a checkout: npm links the bins of dependencies, but not the project's own.
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'node_modules', '.bin')

if (existsSync(join(root, 'node_modules'))) {
  mkdirSync(folder, { recursive: true })
  if (process.platform === 'win32') {
    writeFileSync(join(folder, 'statepack.cmd'), '@node "%~dp0\\..\\..\\bin\\statepack.mjs" %*\r\n')
  } else {
    rmSync(join(folder, 'statepack'), { force: true })
    chmodSync(join(root, 'bin', 'statepack.mjs'), 0o755)
    symlinkSync('../../bin/statepack.mjs', join(folder, 'statepack'))
  }
}
