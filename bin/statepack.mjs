#!/usr/bin/env node
import { spawn } from 'node:child_process'
// Old syntax on purpose: this file has to run, and say so, on a Node that is too old for the rest.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'

const cli = new URL('../out/main/cli.js', import.meta.url)

/** The Node this package pins for itself, when it is installed beside it. */
function pinnedNode() {
  try {
    const require = createRequire(import.meta.url)
    const folder = require.resolve('node/package.json').replace(/package\.json$/, '')
    return [`${folder}bin/node`, `${folder}bin/node.exe`].find(file => existsSync(file))
  } catch {
    return undefined
  }
}

if (Number(process.versions.node.split('.')[0]) >= 24) {
  if (existsSync(cli)) {
    // `statepack … | head` closes the pipe early; that is no error.
    process.stdout.on('error', error => {
      if (error.code === 'EPIPE') process.exit(0)
      throw error
    })
    await import(cli.href)
  } else {
    console.error('The command line has not been built here. Run: npm run build')
    process.exitCode = 1
  }
} else {
  const node = pinnedNode()
  if (node === undefined) {
    console.error(`statepack needs Node 24 or newer; this is Node ${process.versions.node}.`)
    process.exitCode = 1
  } else {
    const run = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
    // A terminal's Ctrl+C reaches both, a signal to this process only this one. Passed on as SIGTERM, the first asks the
    // inner one once, whoever sent it; the next one ends it. On Windows there is Ctrl+C only.
    let asked = false
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => {
        if (process.platform !== 'win32') run.kill(asked ? 'SIGKILL' : 'SIGTERM')
        asked = true
      })
    }
    const [code, signal] = await new Promise(resolve => run.on('exit', (...ended) => resolve(ended)))
    process.exitCode = code ?? 128 + constants.signals[signal]
  }
}
