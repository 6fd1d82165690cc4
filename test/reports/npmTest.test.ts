import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

it('npm test says what could not start, what was ended and by what, and what was noted until then', () => {
  const root = mkdtempSync(join(tmpdir(), 'statepack-npm-test-'))
  const script = join(root, 'scripts/test.mjs')
  cpSync(resolve(import.meta.dirname, '../../scripts/test.mjs'), script)
  const bin = join(root, 'node_modules/.bin')
  mkdirSync(bin, { recursive: true })
  const killed = '#!/bin/sh\necho "✗ sums > add" > "$NOTE_FAILURES_IN"\nkill -9 $$\n'
  writeFileSync(join(bin, 'vitest'), killed, { mode: 0o755 })
  writeFileSync(join(bin, 'biome'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const { status, stdout } = spawnSync(process.execPath, [script, 'quick'], { encoding: 'utf8' })
  expect(status).toBe(1)
  expect(stdout).toContain(`\n== types: FAILED\nspawnSync ${join(bin, 'tsc')} ENOENT\n`)
  expect(stdout).toContain('\n== lint: FAILED\nFor what failed, see above.\n')
  expect(stdout).toContain('\n== unit: FAILED\nIt was ended by SIGKILL.\n✗ sums > add\n')
  expect(stdout).toContain('\nFailed: types, lint, build, unit\n')
  rmSync(root, { recursive: true })
})
