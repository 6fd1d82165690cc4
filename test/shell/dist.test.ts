/** What makes packages of the desktop app, on stand-ins: no Electron's program is run here, and none is needed. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { createPackage } from '@electron/asar'
import { parseUpdateInfo, resolveFiles } from 'electron-updater/out/providers/Provider.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { billOfMaterials, licenceOf, licenceTexts } from '../../scripts/billOfMaterials.mjs'
import { feedProblems, packageProblems, wantedFuses } from '../../scripts/checkPackage.mjs'
import { findElectronDist } from '../../scripts/electronDist.mjs'

const root = resolve(import.meta.dirname, '../..')
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-dist-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** By which Electron's fuses are found in its program, their version and number, and one letter for each: on or off. */
const SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'
const wireOf = (letters: string) =>
  Buffer.concat([Buffer.from(SENTINEL), Buffer.from([1, letters.length]), Buffer.from(letters)])

async function madePackage(name: string, wire: Buffer): Promise<{ at: string; program: string }> {
  const at = join(folder, name)
  await mkdir(join(at, 'resources', 'legal'), { recursive: true })
  const app = join(folder, `${name}-app`)
  await mkdir(app, { recursive: true })
  await writeFile(join(app, 'main.js'), 'console.log("the app")\n')
  await createPackage(app, join(at, 'resources', 'app.asar'))
  for (const file of ['sbom.cdx.json', 'licences.txt']) await writeFile(join(at, 'resources', 'legal', file), '{}')
  const program = join(at, 'state-pack-studio')
  await writeFile(program, Buffer.concat([Buffer.from('not a program'), wire, Buffer.from('…')]))
  return { at, program }
}

describe('the program of Electron', () => {
  const linux = { platform: 'linux', arch: 'x64' } as const

  it('that is nowhere is named exactly, with its address and digest', async () => {
    const env = { ELECTRON_DIST: join(folder, 'none') }
    const { version } = JSON.parse(await readFile(join(root, 'node_modules/electron/package.json'), 'utf8'))
    const name = `electron-v${version}-linux-x64.zip`
    const checksums = JSON.parse(await readFile(join(root, 'node_modules/electron/checksums.json'), 'utf8'))
    const url = `https://github.com/electron/electron/releases/download/v${version}/${name}`
    expect(await findElectronDist(root, { env, ...linux })).toEqual({
      ...{ path: null, name, url, sha256: checksums[name], looked: [env.ELECTRON_DIST] },
    })
    const run = spawnSync(process.execPath, [join(root, 'scripts/dist.mjs'), '--dir'], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    })
    expect(run.status).toBe(3)
    expect(run.stderr).toContain(`electron-v${version}-${process.platform}-${process.arch}.zip`)
  })

  it('is taken unpacked from a folder that is given, and from a cache only when it is the published one', async () => {
    const unpacked = join(folder, 'unpacked')
    await mkdir(unpacked)
    await writeFile(join(unpacked, 'electron'), '')
    expect(await findElectronDist(root, { env: { ELECTRON_DIST: unpacked }, ...linux })).toEqual({ path: unpacked })
    const missing = await findElectronDist(root, { env: { ELECTRON_DIST: folder }, ...linux })
    const cache = join(folder, 'cache', 'of one download')
    await mkdir(cache, { recursive: true })
    await writeFile(join(cache, missing.name ?? ''), 'half of it')
    const finding = findElectronDist(root, { env: { electron_config_cache: join(folder, 'cache') }, ...linux })
    await expect(finding).rejects.toThrow(/is not the published electron-v/)
  })
})

it('lists what is shipped and nothing else, each with a licence and the text of it', async () => {
  const bom = await billOfMaterials(root)
  const names = bom.components.map(({ name }: { name: string }) => name)
  expect(names).toEqual(
    expect.arrayContaining(['onnxruntime-node', 'react', 'react-aria-components', 'fuzzysort', 'electron']),
  )
  expect(names).not.toEqual(expect.arrayContaining(['vitest']))
  expect(
    names.filter((name: string) => /^(playwright|@biomejs|electron-builder|typescript$|openai$)/.test(name)),
  ).toEqual([])
  expect(bom.components.filter(component => licenceOf(component) === null)).toEqual([])
  const texts = licenceTexts(root, bom)
  for (const name of ['react', 'onnxruntime-node']) expect(texts).toMatch(new RegExp(`^${name} \\d.* \\(MIT\\)$`, 'm'))
})

describe('a package', () => {
  it('is right when archive, fuses and licences are; its fuses are those of electron-builder.yml', async () => {
    const fuses = wantedFuses(root)
    expect(Object.keys(fuses)).toHaveLength(8)
    const { at, program } = await madePackage('right', wireOf(inWireOrder(fuses)))
    expect(await packageProblems(at, { program, fuses })).toEqual([])
  })

  it('that was changed is found out: a byte of the archive, a fuse, a licence that is missing', async () => {
    const fuses = wantedFuses(root)
    const { at, program } = await madePackage('wrong', wireOf(inWireOrder({ ...fuses, runAsNode: true })))
    const archive = join(at, 'resources', 'app.asar')
    const bytes = await readFile(archive)
    bytes.write('THE APP', bytes.indexOf('the app'))
    await writeFile(archive, bytes)
    await rm(join(at, 'resources', 'legal', 'licences.txt'))
    expect(await packageProblems(at, { program, fuses })).toEqual([
      expect.stringMatching(/licences\.txt is missing$/),
      'app.asar: main.js is not what its digest says',
      'fuses: runAsNode is not off',
    ])
    await writeFile(program, 'a program without fuses')
    expect(await packageProblems(at, { program, fuses })).toContainEqual(expect.stringMatching(/^fuses: .*[Ss]entinel/))
  })

  it('has a feed that names files of this very content', async () => {
    const at = join(folder, 'feed')
    await mkdir(at)
    await writeFile(join(at, 'app.AppImage'), 'the app')
    const sha512 = createHash('sha512').update('the app').digest('base64')
    const feed = (digest: string) =>
      `version: 0.1.0\nfiles:\n  - url: app.AppImage\n    sha512: ${digest}\n    size: 7\npath: app.AppImage\nsha512: ${digest}\n`
    await writeFile(join(at, 'latest-linux.yml'), feed(sha512))
    expect(feedProblems(at)).toEqual([])
    await writeFile(join(at, 'latest-linux.yml'), feed(sha512.toLowerCase()))
    expect(feedProblems(at)).toEqual(['latest-linux.yml: app.AppImage is another file'])
    await rm(join(at, 'app.AppImage'))
    expect(feedProblems(at)).toEqual(['latest-linux.yml: app.AppImage is not there'])
  })
})

/**
 * electron-builder itself, on all of the app, around stand-ins: a shell script in the place of Electron's program, some bytes in
 * that of the runtime that starts an AppImage, and standIn/fpm.mjs, which leaves a .deb to dpkg-deb. What it writes is checked as
 * every package is, and as one installs it; nothing of it can be started. Takes minutes and 1 GB, so only with DEEP=1.
 */
describe.skipIf(!process.env.DEEP || process.platform !== 'linux')('electron-builder', () => {
  const dist = join(root, 'dist')
  const build = (args: readonly string[], tools: Readonly<Record<string, string>> = {}) => {
    const env = { ...process.env, ELECTRON_DIST: join(folder, 'electron'), UPDATES_URL: 'https://updates.example/' }
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/dist.mjs'), ...args], {
      ...{ env: { ...env, ...tools }, encoding: 'utf8' },
    })
    return { status, output: `${stdout}${stderr}` }
  }
  const run = (program: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
    expect(status, `${program} ${args.join(' ')}: ${stderr}`).toBe(0)
    return stdout
  }
  /** What is wrong with the app where a package puts it. */
  const problemsAt = (at: string) =>
    packageProblems(at, { program: join(at, 'state-pack-studio'), fuses: wantedFuses(root) })

  beforeAll(async () => {
    const at = join(folder, 'electron')
    const defaultApp = join(folder, 'default-app')
    for (const made of [join(at, 'resources'), join(at, 'locales'), defaultApp]) await mkdir(made, { recursive: true })
    const script = Buffer.concat([Buffer.from('#!/bin/sh\nexit 0\n#'), wireOf('11111111'), Buffer.from('\n')])
    await writeFile(join(at, 'electron'), script, { mode: 0o755 })
    for (const file of ['version', 'LICENSE', 'LICENSES.chromium.html', 'locales/en-US.pak', 'chrome-sandbox'])
      await writeFile(join(at, file), 'stand-in')
    await writeFile(join(defaultApp, 'main.js'), '')
    await createPackage(defaultApp, join(at, 'resources', 'default_app.asar'))
  })

  it('makes an unpacked app whose archive, fuses and licences are as they should be', () => {
    const { status, output } = build(['--dir'])
    expect(output).toMatch(/^Checked in .*: linux-unpacked \(archive, fuses, licences of \d+ packages\)$/m)
    expect(status).toBe(0)
  })

  it('makes a .deb that has all it should when it is installed', async ({ skip }) => {
    skip(programOnPath('dpkg-deb') === null, 'There is no dpkg-deb here.')
    const { status, output } = build(['--linux', 'deb'], {
      CUSTOM_FPM_PATH: join(import.meta.dirname, 'standIn/fpm.mjs'),
    })
    expect(status, output).toBe(0)
    const [feed] = await feedsIn(dist)
    const [deb] = feed?.files ?? []
    expect(deb).toMatchObject({ name: expect.stringMatching(/^state-pack-studio_.*\.deb$/) })
    const file = join(dist, deb?.name ?? '')
    const fields = run('dpkg-deb', '--field', file)
    expect(fields).toMatch(/^Package: state-pack-studio$/m)
    expect(fields).toMatch(new RegExp(`^Version: ${feed?.version}$`, 'm'))
    expect(fields).toMatch(/^Depends: libgtk-3-0, .*libnss3/m)
    for (const field of ['Maintainer', 'Homepage']) expect(fields).toMatch(new RegExp(`^${field}: .+`, 'm'))
    const at = join(folder, 'deb')
    run('dpkg-deb', '--raw-extract', file, at)
    expect(await problemsAt(join(at, 'opt/State Pack Studio'))).toEqual([])
    expect(await readFile(join(at, 'DEBIAN/postinst'), 'utf8')).toMatch(/chrome-sandbox/)
    expectEntry(await readFile(join(at, 'usr/share/applications/state-pack-studio.desktop'), 'utf8'))
    expect(await readFile(join(at, 'usr/share/mime/packages/state-pack-studio.xml'), 'utf8')).toContain('*.cartridge')
  })

  it('makes an AppImage that has all it should when it is mounted, and starts in its sandbox', async ({ skip }) => {
    const tools = ['mksquashfs', 'unsquashfs', 'desktop-file-validate'].map(
      name => [name, programOnPath(name)] as const,
    )
    const missing = tools.filter(([, at]) => at === null).map(([name]) => name)
    skip(missing.length > 0, `Not here: ${missing.join(', ')} (Debian: squashfs-tools, desktop-file-utils).`)
    const toolset = join(folder, 'appimage')
    const runtime = Buffer.alloc(4096, 'a stand-in for the runtime\n')
    for (const made of ['runtimes', `lib/${process.arch}`]) await mkdir(join(toolset, made), { recursive: true })
    await writeFile(join(toolset, 'runtimes', `runtime-${process.arch}`), runtime)
    for (const [name, at] of tools) await symlink(at ?? '', join(toolset, name))
    const { status, output } = build(['--linux', 'AppImage'], { APPIMAGE_TOOLS_PATH: toolset })
    expect(status, output).toBe(0)
    const [feed] = await feedsIn(dist)
    const [image] = feed?.files ?? []
    expect(image).toMatchObject({ name: expect.stringMatching(/\.AppImage$/) })
    const file = join(dist, image?.name ?? '')
    expect((await readFile(file)).subarray(0, runtime.length)).toEqual(runtime)
    const at = join(folder, 'mounted')
    run('unsquashfs', '-no-progress', '-offset', String(runtime.length), '-dest', at, file)
    expect(await problemsAt(at)).toEqual([])
    const entry = join(at, 'state-pack-studio.desktop')
    run('desktop-file-validate', entry)
    expectEntry(await readFile(entry, 'utf8'))
    expect(await readFile(entry, 'utf8')).toMatch(/^Exec=AppRun %U$/m)
  })
})

/** An entry of the menu that opens cartridges and links to them. */
function expectEntry(entry: string): void {
  expect(entry).toMatch(/^Name=State Pack Studio$/m)
  expect(entry).toMatch(/^MimeType=(?=.*application\/vnd\.statepack\.cartridge;)(?=.*x-scheme-handler\/statepack;)/m)
}

/** What electron-updater reads from the feeds in a folder: the version and the files, each of exactly this size and content. */
async function feedsIn(at: string) {
  expect(feedProblems(at)).toEqual([])
  const feeds = (await readdir(at)).filter(name => name.endsWith('.yml') && name.startsWith('latest'))
  expect(feeds).not.toEqual([])
  return Promise.all(
    feeds.map(async feed => {
      const address = new URL('https://updates.example/')
      const info = parseUpdateInfo(await readFile(join(at, feed), 'utf8'), feed, address)
      const files = resolveFiles(info, address).map(({ url, info: { size } }) => ({
        name: decodeURIComponent(url.pathname.slice(1)),
        size,
      }))
      for (const { name, size } of files) expect(size, name).toBe((await stat(join(at, name))).size)
      return { version: info.version, files }
    }),
  )
}

function programOnPath(name: string): string | null {
  return (
    (process.env.PATH ?? '')
      .split(delimiter)
      .map(at => join(at, name))
      .find(existsSync) ?? null
  )
}

/** Letters of the wire for the fuses, as Electron numbers them. */
function inWireOrder(fuses: Readonly<Record<string, boolean>>): string {
  const order = [
    'runAsNode',
    'enableCookieEncryption',
    'enableNodeOptionsEnvironmentVariable',
    'enableNodeCliInspectArguments',
    'enableEmbeddedAsarIntegrityValidation',
    'onlyLoadAppFromAsar',
    'loadBrowserProcessSpecificV8Snapshot',
    'grantFileProtocolExtraPrivileges',
  ]
  return order.map(name => (fuses[name] ? '1' : '0')).join('')
}
