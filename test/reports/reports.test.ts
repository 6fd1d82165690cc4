import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { openNotes } from './failures.ts'

const root = resolve(import.meta.dirname, '../..')

/** Runs a test runner on `files` in a folder of their own: what it noted, line by line, and what it wrote. */
async function run(program: string, args: readonly string[], files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'statepack-reports-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const notes = join(folder, 'notes')
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], {
      cwd: folder,
      env: { ...process.env, NOTE_FAILURES_IN: notes },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let written = ''
    child.stdout.on('data', chunk => {
      written += chunk
    })
    child.stderr.on('data', chunk => {
      written += chunk
    })
    const status = await new Promise(done => child.on('close', done))
    expect(existsSync(notes), written).toBe(true)
    return { status, written, lines: readFileSync(notes, 'utf8').trimEnd().split('\n') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const runUnit = (args: readonly string[], files: Record<string, string>) => {
  const reporters = ['--reporter=default', `--reporter=${join(root, 'test/reports/unit.ts')}`]
  return run('vitest/vitest.mjs', ['run', '--globals', '--pool=forks', ...reporters, ...args], files)
}

it('the unit tests’ report names tests, hooks and files that failed, and errors of no test', async () => {
  const { status, lines } = await runUnit([], {
    'a.test.js': `
      describe('sums', () => { it('add', () => expect([1, 2]).toEqual([1, 3])); it('are even', () => {}) })
      describe('hooks', () => { beforeAll(() => { throw new Error('no ground') }); it('stand', () => {}) })`,
    'b.test.js': `import './missing.js'`,
    'c.test.js': `it('leaves one behind', () => { Promise.reject(new Error('nobody caught it')) })`,
  })
  expect(status).toBe(1)
  expect(lines.filter(line => line.startsWith('✗')).sort()).toEqual([
    '✗ An error of no test',
    '✗ a.test.js > hooks',
    '✗ a.test.js > sums > add',
    '✗ b.test.js',
  ])
  const after = (name: string) => lines.slice(lines.indexOf(name) + 1)
  const sums = after('✗ a.test.js > sums > add')
  expect(sums[0]).toBe('    expected [ 1, 2 ] to deeply equal [ 1, 3 ]')
  expect(sums[1]).toContain('a.test.js:2:')
  expect(sums).toContain('    -   3,')
  expect(sums).toContain('    +   2,')
  expect(after('✗ a.test.js > hooks')[0]).toBe('    no ground')
  expect(after('✗ b.test.js')[0]).toContain('missing.js')
  expect(after('✗ An error of no test')[0]).toBe('    nobody caught it')
})

const library = pathToFileURL(join(root, 'node_modules/@playwright/test/index.mjs'))
/** Runs Playwright on a spec and what else there is. */
const browse = (spec: string, files: Record<string, string> = {}) =>
  run('@playwright/test/cli.js', ['test'], {
    'playwright.config.mjs': `export default {
      reporter: [[${JSON.stringify(join(root, 'test/reports/browser.ts'))}], ['failures']],
      projects: [{ name: 'browser' }],
      timeout: 600_000,
    }`,
    'a.spec.mjs': `import { test, expect } from '${library}'${spec}`,
    ...files,
  })

it('the browser tests’ report names what failed, and says of what was skipped how many and why', async () => {
  const ran = await browse(`
    test.describe('sums', () => { test('add', () => expect(1 + 1).toBe(3)) })
    test('stay small', () => {})
    test('first left out', () => test.skip(true, 'no such window'))
    test('second left out', () => test.skip(true, 'no such window'))
    test('are wrong', () => { test.fail(); expect(1 + 1).toBe(3) })`)
  expect(ran.status).toBe(1)
  expect(ran.lines.filter(line => line.startsWith('✗'))).toEqual(['✗ [browser] › a.spec.mjs:2 › sums › add'])
  expect(ran.lines.join('\n')).toContain('Expected: 3')
  expect(ran.lines.join('\n')).toContain('a.spec.mjs:2:')
  expect(ran.written).toMatch(/✗ \[browser\] › a\.spec\.mjs:2 › sums › add \(.+ s\)/)
  expect(ran.written).toMatch(/✓ \[browser\] › a\.spec\.mjs:3 › stay small \(.+ s\)/)
  expect(ran.written).toMatch(/✓ \[browser\] › a\.spec\.mjs:6 › are wrong \(.+ s\)/)
  expect(ran.written).not.toMatch(/› (first|second) left out/)
  expect(ran.written).toContain('2 skipped in browser: no such window.')

  const unread = await browse('', { 'b.spec.mjs': `throw new Error('no spec')` })
  expect(unread.status).toBe(1)
  expect(unread.lines.slice(0, 2)).toEqual(['✗ An error of no test', '    Error: no spec'])
})

it('the browser tests’ report calls nothing passed or skipped that was interrupted or never ran', async () => {
  const ground = await browse(`
    test.beforeAll(() => { throw new Error('no ground') })
    test('stands', () => {})
    test('stands, too', () => {})`)
  expect(ground.status).toBe(1)
  expect(ground.lines.filter(line => line.startsWith('✗'))).toEqual([
    '✗ [browser] › a.spec.mjs:3 › stands',
    '✗ [browser] › a.spec.mjs:4 › stands, too',
  ])
  expect(ground.lines[1]).toBe('    Error: no ground')
  expect(ground.lines.at(-1)).toBe('    did not run')
  expect(ground.written).not.toMatch(/✓|skipped in/)

  const interrupted = await browse(`
    test('goes on', async () => {
      process.kill(process.ppid, 'SIGINT')
      await new Promise(() => {})
    })`)
  expect(interrupted.status).toBe(130)
  expect(interrupted.lines[0]).toBe('✗ [browser] › a.spec.mjs:2 › goes on')
  expect(interrupted.written).not.toContain('✓')
})

/** A test that kills its runner as soon as something is noted. */
const KILLS = `async () => {
  const { existsSync } = await import('node:fs')
  while (!existsSync(process.env.NOTE_FAILURES_IN)) await new Promise(done => setTimeout(done, 20))
  process.kill(process.ppid, 'SIGKILL')
  process.exit()
}`

it('the unit tests’ report has noted what failed when its runner is killed', async () => {
  const ran = await runUnit(['--testTimeout=180000'], {
    'a.test.js': `it('adds', () => { throw new Error('no sum') }); it('kills', ${KILLS})`,
  })
  expect(ran.status).toBeNull()
  expect(ran.lines.slice(0, 2)).toEqual(['✗ a.test.js > adds', '    no sum'])
})

it('the browser tests’ report has noted what failed when its runner is killed', async () => {
  const ran = await browse(`
    test('adds', () => { throw new Error('no sum') })
    test('kills', ${KILLS})`)
  expect(ran.status).toBeNull()
  expect(ran.lines.slice(0, 2)).toEqual(['✗ [browser] › a.spec.mjs:2 › adds', '    Error: no sum'])
})

it('what failed is told in few lines, and by name however much it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'statepack-reports-'))
  const before = process.env.NOTE_FAILURES_IN
  process.env.NOTE_FAILURES_IN = join(folder, 'notes')
  try {
    const message = Array.from({ length: 50 }, (_, at) => `line ${at} ${'x'.repeat(1000)}`).join('\n')
    const failures = Array.from({ length: 200 }, (_, at) => ({ name: `test ${at}`, errors: [{ message }] }))
    const note = openNotes()
    for (const failure of failures) note(failure)
    const lines = readFileSync(join(folder, 'notes'), 'utf8').trimEnd().split('\n')
    expect(lines.filter(line => line.startsWith('✗'))).toEqual(failures.map(({ name }) => `✗ ${name}`))
    for (const { name } of failures) expect(lines[lines.indexOf(`✗ ${name}`) + 1]).toContain('    line 0')
    expect(lines.slice(0, 13).filter(line => line.startsWith('    line'))).toHaveLength(12)
    expect(lines.length).toBeLessThan(520)
    expect(Math.max(...lines.map(line => line.length))).toBeLessThan(400)
  } finally {
    if (before === undefined) delete process.env.NOTE_FAILURES_IN
    else process.env.NOTE_FAILURES_IN = before
    rmSync(folder, { recursive: true })
  }
})
