/** The package as it is published: packed, installed in an empty project, and every example of docs/sdk.md run there. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestRegistry, type TestRegistry } from '../engine/registry/testRegistry.ts'
import { startTestApi, type TestApi } from '../hosts/api/startTestApi.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')
const PACKAGE = join(ROOT, 'packages', 'sdk')
const MODULES = join(ROOT, 'node_modules')
/** The Node that runs these tests, for npm and the build as well. */
const env = { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env.PATH}` }
const links = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, `file:${join(MODULES, name)}`]))

const blocks = [
  ...(await readFile(join(ROOT, 'docs', 'sdk.md'), 'utf8')).matchAll(
    /## ([^\n]*)\n(?:(?!##)[\s\S])*?```ts\n([\s\S]*?)```/g,
  ),
]
const examples = blocks.map(([, title = '', code = '']) => [title, code] as const)
const manifest = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8'))

/** What each example prints; which tokens a model chooses is no promise. */
const SAID: Readonly<Record<string, RegExp>> = {
  'A state, made once': /^.* \d+ tokens read, \d+ spared\ntrue \d+\n$/,
  'The same on a server': /^true\n.*starter-transformer/s,
  'A model with a base text':
    /^\{\n {2}steps: 2,\n {2}processed: \d+,\n {2}naive: \d+,\n {2}savedPercent: [\d.]+\n\}\n$/,
  'An agent’s loop': /^\[.*\]\ntrue\n$/s,
  'A model with a current state': /'both',\n {2}'lease-with-pets',/,
  'States of others': /^Allotment garden restricted\n.*:v1@sha256:[0-9a-f]{64}\n$/,
  LangChain: / [1-9]\d*\n$/,
  Failures: /^E_NOT_FOUND\n$/,
}

let project = ''
let api: TestApi
let registry: TestRegistry

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'statepack-package-'))
  await run('npm', ['pack', '--pack-destination', project, '--loglevel', 'error'], { cwd: PACKAGE, env })
  const [tarball = ''] = (await readdir(project)).filter(name => name.endsWith('.tgz'))
  // From the registry under DEEP=1; otherwise dependencies are those of this checkout, so that no network is needed.
  const isDeep = process.env.DEEP === '1'
  const linked = isDeep ? {} : links(Object.keys(manifest.dependencies))
  const peers = isDeep
    ? { '@langchain/core': manifest.peerDependencies['@langchain/core'] }
    : links(['@langchain/core'])
  await writeFile(
    join(project, 'package.json'),
    JSON.stringify({
      private: true,
      type: 'module',
      dependencies: { ...linked, ...peers, statepack: `file:${tarball}` },
    }),
  )
  const flags = ['--no-audit', '--no-fund', '--loglevel', 'error', ...(isDeep ? [] : ['--offline', '--ignore-scripts'])]
  await run('npm', ['install', ...flags], { cwd: project, env })
  api = await startTestApi()
  registry = await startTestRegistry()
})
afterAll(async () => {
  await api?.close()
  await registry?.close()
  await rm(project, { recursive: true, force: true })
})

const installed = () => join(project, 'node_modules', 'statepack')
const importsIn = (source: string) =>
  [
    ...source.matchAll(
      /(?:^import .*\bfrom|^export .*\bfrom|\bimport\(|\brequire\.resolve\(|^import)\s*["']([^"'\n]+)["']/gm,
    ),
  ].map(([, name = '']) => name)
const packageOf = (name: string) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')

describe('the package', () => {
  it('has no Electron, and declares what it imports in the versions of this checkout', async () => {
    const dist = join(installed(), 'dist')
    const scripts = (await readdir(dist)).filter(name => name.endsWith('.js'))
    const sources = await Promise.all(scripts.map(name => readFile(join(dist, name), 'utf8')))
    const imported = sources.flatMap(importsIn).filter(name => !name.startsWith('.') && !name.startsWith('node:'))
    const declared = [...Object.keys(manifest.dependencies), '@langchain/core']
    expect([...new Set(imported.map(packageOf))].sort()).toEqual(declared.sort())
    const { dependencies, devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    const here = { ...devDependencies, ...dependencies }
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies }))
      expect({ name, version }).toEqual({ name, version: here[name] })
  })

  it('loads nothing of the engine for a client', async () => {
    const reached = async (file: string): Promise<string[]> => {
      const names = importsIn(await readFile(join(installed(), 'dist', file), 'utf8'))
      const own = names.filter(name => name.startsWith('./')).map(name => name.slice(2))
      return [...names.filter(name => !name.startsWith('.')), ...(await Promise.all(own.map(reached))).flat()]
    }
    expect(await reached('client.js')).toEqual([])
  })

  it('has types that stand alone, and its examples follow them', async () => {
    const types = join(installed(), 'dist', 'types')
    for (const name of await readdir(types, { recursive: true }))
      if (name.endsWith('.d.ts'))
        expect({
          name,
          outside: importsIn(await readFile(join(types, name), 'utf8')).filter(from => /^#|\.\.\/\.\./.test(from)),
        }).toEqual({
          name,
          outside: [],
        })
    await mkdir(join(project, 'examples'), { recursive: true })
    for (const [index, [, code]] of examples.entries()) await writeFile(join(project, 'examples', `${index}.ts`), code)
    const options = {
      ...{
        target: 'es2024',
        lib: ['es2024', 'esnext.disposable', 'dom'],
        module: 'nodenext',
        strict: true,
        noEmit: true,
      },
      ...{ types: ['node'], typeRoots: [join(MODULES, '@types')] },
    }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['examples'] }))
    const checked = await run(process.execPath, [join(MODULES, 'typescript', 'bin', 'tsc'), '-p', project]).catch(
      error => error,
    )
    expect(checked.stdout).toBe('')
  })

  it('is documented by examples', () => expect(examples.length).toBe(8))

  it.each(examples.map(([title], index) => [title, index] as const))('runs the example “%s”', async (title, index) => {
    const { address, token } = api.api
    const ran = await run(process.execPath, [join('examples', `${index}.ts`)], {
      cwd: project,
      env: {
        ...{ ...env, STATEPACK_HOME: join(project, 'home'), STATEPACK_ADDRESS: address, STATEPACK_TOKEN: token },
        STATEPACK_PLACE: `${registry.host}/you/lease:v1`,
      },
    })
    expect(ran.stdout).toMatch(SAID[title] ?? 'an example that nobody expects')
  })
})
