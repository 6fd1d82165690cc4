// npm start: opens the Studio. In Electron where its program is here or can be fetched, else in a browser window over the
// loopback host, else it prints the address and serves. Says in one line which, and why.
//   --no-open        print the address and serve, open nothing
//   --browser        do not look for Electron
//   STATEPACK_PORT   the port of the loopback host (a free one by default)
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { hasDisplay, openBrowserWindow } from './browserWindow.mjs'
import { findElectron } from './electronBinary.mjs'
import { freshBuild } from './freshBuild.mjs'
import { findNode, root } from './pinnedNode.mjs'

const args = process.argv.slice(2)
const node = findNode()
if (node === null) {
  console.error(`The Studio needs Node 24 or newer; this is Node ${process.versions.node}. Run: npm ci`)
  process.exit(1)
}
if (node !== process.execPath) {
  const again = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
  // Ctrl+C reaches both; the inner one cleans up and decides.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => again.kill(signal))
  process.exit(await new Promise(resolve => again.on('exit', code => resolve(code ?? 1))))
}

/** Starts the loopback host and resolves with where it answers. */
async function serve() {
  const host = spawn(node, [join(root, 'out', 'main', 'serve.js')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const ended = new Promise(resolve => host.on('exit', code => resolve(code ?? 1)))
  const address = await Promise.race([
    new Promise(resolve => createInterface(host.stdout).once('line', line => resolve(JSON.parse(line).address))),
    ended.then(code => process.exit(code || 1)),
  ])
  return { host, ended, address }
}

await freshBuild(root, node).catch(problem => {
  console.error(problem.message)
  process.exit(1)
})
const noOpen = args.includes('--no-open')
const display = hasDisplay()
let why = 'as asked'
if (!noOpen && !args.includes('--browser')) {
  const electron = display ? await findElectron(root) : { program: null, why: 'there is no display here' }
  if (electron.program !== null) {
    console.log('Opening the Studio in Electron, which is on this machine.')
    const app = spawn(electron.program, [root], { cwd: root, stdio: 'inherit' })
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => app.kill(signal))
    process.exit(await new Promise(resolve => app.on('exit', code => resolve(code ?? 1))))
  }
  why = electron.why
}

const { host, ended, address } = await serve()
let window = null
const close = () => {
  window?.kill()
  host.kill('SIGTERM')
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, close)

const opened =
  noOpen || !display ? null : await openBrowserWindow(address, join(root, 'node_modules', '.cache', 'window'))
window = opened?.window ?? null
window?.on('exit', close)
const what = opened === null ? 'Serving the Studio without opening a window' : `Opened the Studio in ${opened.name}`
const reason = opened === null && !noOpen && display ? `${why}, and no browser could be started` : why
console.log(`${what}, because ${reason}: ${address}`.replace('because as asked', 'as asked'))
process.exit(await ended)
