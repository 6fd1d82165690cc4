#!/usr/bin/env node
// In the place of fpm, which no package registry of ours has: the same command line, as far as electron-builder speaks it, and a
// .deb by Debian's own dpkg-deb. Refuses what it does not know.
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'

const text = { type: 'string' }
const list = { type: 'string', multiple: true }
const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'input-type': { ...text, short: 's' },
    'output-type': { ...text, short: 't' },
    force: { type: 'boolean' },
    depends: { ...list, short: 'd' },
    'deb-recommends': list,
    'deb-compression': text,
    'deb-priority': text,
    'after-install': text,
    'after-remove': text,
    ...{ architecture: text, description: text, version: text, package: text, name: text, maintainer: text },
    ...{ vendor: text, url: text, license: text, category: text },
  },
})
if (given['input-type'] !== 'dir' || given['output-type'] !== 'deb') throw new Error('Only -s dir -t deb')

const stage = mkdtempSync(join(tmpdir(), 'statepack-deb-'))
try {
  for (const mapping of positionals) {
    const [from, to] = mapping.split('=')
    mkdirSync(join(stage, dirname(to)), { recursive: true })
    cpSync(from, join(stage, to), { recursive: true, verbatimSymlinks: true })
  }
  const fields = {
    Package: given.name,
    Version: given.version,
    License: given.license,
    Vendor: given.vendor,
    Architecture: given.architecture,
    Maintainer: given.maintainer,
    Depends: given.depends?.join(', '),
    Recommends: given['deb-recommends']?.join(', '),
    Section: given.category ?? 'default',
    Priority: given['deb-priority'],
    Homepage: given.url,
    Description: given.description.trim(),
  }
  const control = join(stage, 'DEBIAN')
  mkdirSync(control)
  const lines = Object.entries(fields).filter(([, value]) => value !== undefined)
  writeFileSync(join(control, 'control'), `${lines.map(([name, value]) => `${name}: ${value}`).join('\n')}\n`)
  for (const [option, script] of Object.entries({ 'after-install': 'postinst', 'after-remove': 'postrm' })) {
    copyFileSync(given[option], join(control, script))
    chmodSync(join(control, script), 0o755)
  }
  // The quickest level: what is looked at is what is inside.
  const options = ['--root-owner-group', `-Z${given['deb-compression']}`, '-z0', '--build', stage, given.package]
  const { status } = spawnSync('dpkg-deb', options, { stdio: 'inherit' })
  process.exitCode = status ?? 1
} finally {
  rmSync(stage, { recursive: true, force: true })
}
