// npm run dist -- [--dir] [targets of electron-builder]: the packages of the desktop app, for the machine this runs on.
//   ELECTRON_DIST   Electron's zip or its unpacked folder; else the cache of downloads and the installed one are looked into
//   UPDATES_URL     where the packages will lie: a feed of them (latest-linux.yml and the like) is written beside them
// Exits with 3 when Electron's program is nowhere, and names the file; with 1 when the package is not what it should be.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { billOfMaterials, licenceTexts } from './billOfMaterials.mjs'
import { feedProblems, packageProblems, wantedFuses } from './checkPackage.mjs'
import { findElectronDist } from './electronDist.mjs'
import { freshBuild } from './freshBuild.mjs'

const NO_ELECTRON = 3
const root = dirname(import.meta.dirname)
const say = line => process.stderr.write(`${line}\n`)

async function main(args) {
  const electron = await findElectronDist(root)
  if (electron.path === null) {
    say(`Electron's program is missing: ${electron.name}`)
    say(`  published at ${electron.url}`)
    say(`  SHA-256      ${electron.sha256}`)
    for (const place of electron.looked) say(`  not in       ${place}`)
    say(`Put it into ${electron.looked[0]}, or name where it lies: ELECTRON_DIST=… npm run dist -- ${args.join(' ')}`)
    return NO_ELECTRON
  }
  await freshBuild(root)
  const legal = join(root, 'out', 'legal')
  mkdirSync(legal, { recursive: true })
  const bom = await billOfMaterials(root)
  writeFileSync(join(legal, 'sbom.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`)
  writeFileSync(join(legal, 'licences.txt'), `${licenceTexts(root, bom)}\n`)

  const builder = createRequire(import.meta.url).resolve('electron-builder/cli.js')
  const given = [`-c.electronDist=${electron.path}`, '--publish', 'never']
  const { UPDATES_URL } = process.env
  if (UPDATES_URL) given.push('-c.publish.provider=generic', `-c.publish.url=${UPDATES_URL}`)
  const { status } = spawnSync(process.execPath, [builder, ...args, ...given], { cwd: root, stdio: 'inherit' })
  if (status !== 0) return status ?? 1

  const dist = join(root, 'dist')
  const fuses = wantedFuses(root)
  const unpacked = readdirSync(dist).filter(name => /^(linux|win)(-\w+)?-unpacked$/.test(name))
  const problems = feedProblems(dist)
  for (const name of unpacked) {
    const folder = join(dist, name)
    const program = ['state-pack-studio', 'State Pack Studio.exe'].map(file => join(folder, file)).find(existsSync)
    problems.push(...(await packageProblems(folder, { program: program ?? join(folder, 'state-pack-studio'), fuses })))
  }
  for (const problem of problems) say(problem)
  if (problems.length === 0)
    say(`Checked in ${dist}: ${unpacked.join(', ')} (archive, fuses, licences of ${bom.components.length} packages)`)
  return problems.length === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2)).catch(thrown => {
  say(thrown.message)
  return 1
})
