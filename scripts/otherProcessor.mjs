// `npm run test:other-cpu -- [--qemu PATH] [--cpu MODEL] [--minutes N] [FILE ...]`: the tests that run a model, as an older processor would
// run them (no AVX-512), in another country. Vitest itself runs natively; the processes that run tests, and every Node that they
// start, are emulated by qemu-user, which is slow: each file gets a line when it is done, and one without a verdict says why.
import { spawnSync } from 'node:child_process'
import { chmodSync, globSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** AVX2, no AVX-512; less what only a kernel can use, which qemu-user warns about. */
const HASWELL = 'Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid'
const ROOT = join(import.meta.dirname, '..')
const RUN_A_MODEL = [
  'test/model',
  ...['inference', 'models', 'live', 'packets', 'library', 'trust'].map(at => `test/engine/${at}`),
]

const { values, positionals } = parseArgs({
  options: {
    qemu: { type: 'string', default: 'qemu-x86_64' },
    cpu: { type: 'string', default: HASWELL },
    minutes: { type: 'string', default: '60' },
  },
  allowPositionals: true,
})
const deadline = Date.now() + Number(values.minutes) * 60_000
const reason = whyNot()
if (reason === null) process.exitCode = run() ? 0 : 1
else console.log(`skipped: ${reason}`)

function whyNot() {
  if (process.arch !== 'x64' || process.platform !== 'linux')
    return 'emulating an older x86-64 processor needs Linux on x86-64'
  const { status, stdout } = spawnSync(values.qemu, ['--version'], { encoding: 'utf8' })
  if (status !== 0) return `${values.qemu} is not here (Debian and Ubuntu: apt-get install qemu-user)`
  // What tests do all the time: qemu 7.2 ends with SIGSEGV when a Node of libuv 1.52 starts a process; 10.0 does not.
  const starts = `process.exitCode = require('node:child_process').spawnSync('true').status`
  const probe = spawnSync(values.qemu, ['-cpu', values.cpu, process.execPath, '-e', starts])
  if (probe.status === 0) return null
  const version = /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'of unknown version'
  return `Node ${process.versions.node} cannot start a process under qemu ${version} (${probe.signal ?? `exit code ${probe.status}`}): name a newer one with --qemu PATH`
}

function run() {
  const files = (positionals.length > 0 ? positionals : RUN_A_MODEL).flatMap(testFiles)
  const folder = mkdtempSync(join(tmpdir(), 'statepack-other-cpu-'))
  const verdicts = { passed: [], failed: [], 'without verdict': [] }
  try {
    const env = emulatedNode(folder)
    console.log(`${files.length} files, processor ${values.cpu}, ${env.LC_ALL}, ${env.TZ}`)
    for (const file of files) {
      const started = Date.now()
      const verdict = started < deadline ? judge(file, env) : 'without verdict'
      verdicts[verdict].push(file)
      const why = verdict === 'without verdict' ? `, the ${values.minutes} minutes were over` : ''
      console.log(`${verdict}: ${file} (${((Date.now() - started) / 1000).toFixed(0)} s${why})`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(
    Object.entries(verdicts)
      .map(([verdict, { length }]) => `${length} ${verdict}`)
      .join(', '),
  )
  return verdicts.failed.length === 0
}

function testFiles(path) {
  return statSync(join(ROOT, path)).isDirectory() ? globSync(`${path}/**/*.test.ts`, { cwd: ROOT }).sort() : [path]
}

/** A `node` that runs emulated, and what makes every Node take it for its own when it starts another. */
function emulatedNode(folder) {
  const node = join(folder, 'node')
  writeFileSync(
    node,
    `#!/bin/sh\nexec ${JSON.stringify(values.qemu)} -cpu ${values.cpu} ${JSON.stringify(process.execPath)} "$@"\n`,
  )
  chmodSync(node, 0o755)
  const preload = join(folder, 'execPath.cjs')
  writeFileSync(preload, `process.execPath = ${JSON.stringify(node)}\n`)
  return {
    ...process.env,
    ...{ TZ: 'Asia/Kathmandu', LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8' },
    NODE_OPTIONS: `--require ${JSON.stringify(preload)}`,
  }
}

function judge(file, env) {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  const hours = String(24 * 3_600_000)
  const args = ['run', '--project', 'unit', '--maxWorkers', '1', '--testTimeout', hours, '--hookTimeout', hours, file]
  const child = spawnSync(process.execPath, [vitest, ...args], {
    ...{ cwd: ROOT, env, encoding: 'utf8', timeout: Math.max(1000, deadline - Date.now()), killSignal: 'SIGINT' },
  })
  if (child.error !== undefined) return 'without verdict'
  if (child.status !== 0) console.log(child.stdout + child.stderr)
  return child.status === 0 ? 'passed' : 'failed'
}
