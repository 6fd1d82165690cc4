// `npm test`: every check, one after the other, and one line for each. `npm test -- quick` leaves the browser out.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const bin = name => join(root, 'node_modules', '.bin', name)
const quick = process.argv.includes('quick')

const steps = [
  ['types', bin('tsc'), ['-b']],
  ['lint', bin('biome'), ['check', '.', '--error-on-warnings', '--max-diagnostics=20']],
  ...(existsSync(join(root, 'out', 'main', 'cli.js'))
    ? []
    : [['build', bin('electron-vite'), ['build', '--logLevel', 'warn']]]),
  ['unit', bin('vitest'), ['run', '--project', 'unit']],
  ...(quick ? [] : [['browser', bin('playwright'), ['test']]]),
]

const failed = []
for (const [name, command, args] of steps) {
  const started = Date.now()
  console.log(`\n== ${name}`)
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  console.log(`== ${name}: ${status === 0 ? 'passed' : 'FAILED'} in ${((Date.now() - started) / 1000).toFixed(0)} s`)
  if (status !== 0) failed.push(name)
}
console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}`)
console.log(`${steps.length - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length === 0 ? 0 : 1
