#!/usr/bin/env node
import { spawnSync } from 'node:child_process'
// Old syntax on purpose: this file has to run, and say so, on a Node that is too old for the rest.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

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
    const run = spawnSync(node, process.argv.slice(1), { stdio: 'inherit' })
    process.exitCode = run.status ?? 1
  }
}
