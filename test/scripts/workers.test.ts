import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const engine = join(root, 'electron/engine')
const workers = readdirSync(engine, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts'))
  .flatMap(file => [...readFileSync(join(engine, file), 'utf8').matchAll(/new URL\(`\.\/(\w+)\$\{/g)])
  .map(([, name]) => name)

it.each(['electron.vite.config.ts', 'packages/sdk/build.mjs'])(
  '%s builds every thread that the engine starts',
  build => {
    expect(workers).toContain('hashWorker')
    const text = readFileSync(join(root, build), 'utf8')
    expect(workers.filter(name => !text.includes(`${name}.ts'`))).toEqual([])
  },
)
