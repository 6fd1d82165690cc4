/** `npm run bench -- NAME [options]`: runs one benchmark of this folder; without a name, lists them. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const [name, ...options] = process.argv.slice(2)
const names = readdirSync(import.meta.dirname)
  .filter(file => file.endsWith('.bench.ts'))
  .map(file => file.slice(0, -'.bench.ts'.length))
const file = join(import.meta.dirname, `${name}.bench.ts`)

if (name === undefined || !existsSync(file)) {
  console.error(`Say which: npm run bench -- ${names.join(' | ')}`)
  process.exitCode = 2
} else {
  // Each benchmark is a program of its own that reads its options from the arguments.
  process.argv.splice(2, process.argv.length, ...options)
  await import(file)
}
