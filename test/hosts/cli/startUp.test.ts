/** What a command waits for before it begins. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const CLI = join(import.meta.dirname, '../../../electron/hosts/cli/main.ts')
/** What few commands need, and takes as long to load as everything else together. */
const LATER = [
  '@hono/node-server',
  '@huggingface/hub',
  '@modelcontextprotocol/sdk',
  '@secretlint/core',
  'hono',
  'parse5',
  'prom-client',
  'undici',
]
/** Says which packages a program loaded, at its end. */
const WATCH = `
  import { registerHooks } from 'node:module'
  const packages = new Set()
  registerHooks({
    load(url, context, next) {
      const name = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]
      if (name !== undefined) packages.add(name)
      return next(url, context)
    },
  })
  process.on('exit', () => console.log(JSON.stringify([...packages])))`

it('a command loads only what most commands need before it begins', () => {
  const hook = `data:text/javascript,${encodeURIComponent(WATCH)}`
  const { stdout } = spawnSync(process.execPath, ['--import', hook, CLI, '--version'], { encoding: 'utf8' })
  const [, packages = ''] = stdout.split('\n')
  const loaded: unknown = JSON.parse(packages)
  expect(loaded).toContain('commander')
  expect(LATER.filter(name => Array.isArray(loaded) && loaded.includes(name))).toEqual([])
})
