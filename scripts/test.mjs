// `npm test`: every check, one after the other, and one line for each; at its end every test that failed, with the first lines of
// its errors. `npm test -- quick` leaves the browser out.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
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
  ['unit', bin('vitest'), ['run', '--project', 'unit', '--reporter=./test/reports/unit.ts', '--reporter=default']],
  ...(quick ? [] : [['browser', bin('playwright'), ['test']]]),
]

const folder = mkdtempSync(join(tmpdir(), 'statepack-test-'))
const failed = []
for (const [name, command, args] of steps) {
  const started = Date.now()
  console.log(`\n== ${name}`)
  const notes = join(folder, name)
  const env = { ...process.env, NOTE_FAILURES_IN: notes }
  const { status, signal, error } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' })
  console.log(`== ${name}: ${status === 0 ? 'passed' : 'FAILED'} in ${((Date.now() - started) / 1000).toFixed(0)} s`)
  if (status === 0) continue
  const ending = error?.message ?? (signal === null ? '' : `It was ended by ${signal}.`)
  const noted = existsSync(notes) ? readFileSync(notes, 'utf8') : ''
  failed.push([name, ending + noted === '' ? 'For what failed, see above.' : `${ending}\n${noted}`.trim()])
}
for (const [name, notes] of failed) console.log(`\n== ${name}: FAILED\n${notes}\n`)
console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.map(([name]) => name).join(', ')}`)
console.log(`${steps.length - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length === 0 ? 0 : 1
rmSync(folder, { recursive: true, force: true })
