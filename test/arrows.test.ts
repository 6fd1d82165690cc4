/** The arrows of docs/architecture.md: which folder may import which. */
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const ALIASES: Readonly<Record<string, string>> = {
  '#shared/': 'shared/',
  '#engine/': 'electron/engine/',
  '#hosts/': 'electron/hosts/',
}

type Realm = 'shared' | 'engine' | 'hosts' | 'shell' | 'preload' | 'renderer' | 'sdk'

interface Rule {
  readonly folder: string
  /** Realms it may import besides itself. */
  readonly realms: readonly Realm[]
  readonly node: boolean
  readonly electron: boolean
  /** Packages it may import; null for any. */
  readonly packages: readonly string[] | null
}

const RULES: Readonly<Record<Realm, Rule>> = {
  shared: { folder: 'shared/', realms: [], node: false, electron: false, packages: ['zod'] },
  engine: { folder: 'electron/engine/', realms: ['shared'], node: true, electron: false, packages: null },
  hosts: { folder: 'electron/hosts/', realms: ['shared', 'engine'], node: true, electron: false, packages: null },
  shell: {
    folder: 'electron/shell/',
    realms: ['shared', 'engine', 'hosts'],
    node: true,
    electron: true,
    packages: null,
  },
  preload: { folder: 'electron/preload/', realms: ['shared'], node: false, electron: true, packages: [] },
  renderer: { folder: 'renderer/', realms: ['shared'], node: false, electron: false, packages: null },
  sdk: {
    folder: 'packages/sdk/src/',
    realms: ['shared', 'engine', 'hosts'],
    node: true,
    electron: false,
    packages: ['@langchain/core'],
  },
}

/** Every module a source text names: static, re-exported, dynamic and side-effect imports, require. */
function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const patterns = [
    /\bfrom\s*['"]([^'"\s]+)['"]/g,
    /^\s*import\s*['"]([^'"\s]+)['"]/gm,
    /\bimport\s*\(\s*['"`]([^'"`\s]+)['"`]/g,
    /\brequire\s*\(\s*['"]([^'"\s]+)['"]/g,
  ]
  return patterns.flatMap(pattern => [...code.matchAll(pattern)].map(match => match[1] ?? ''))
}

/**
 * The rooms of the engine, lowest first: a room may import those before it. Files beside the rooms are the ground that all
 * stand on, but for the composition root, which knows every room and is known by none.
 */
const ROOMS = [
  'logging',
  'network',
  'store',
  'receipts',
  'meter',
  'record',
  'documents',
  'models',
  'inference',
  'live',
  'packets',
  'library',
  'admission',
  'registry',
  'share',
  'savings',
  'jobs',
  'api',
] as const
const ROOT = 'electron/engine/createEngine.ts'

/** The place of a file of the engine in {@link ROOMS}: the ground is below all, the root above. */
function roomOf(file: string): number {
  if (file === ROOT) return ROOMS.length
  const [, name] = /^electron\/engine\/([^/]+)\//.exec(file) ?? []
  return name === undefined ? -1 : (ROOMS as readonly string[]).indexOf(name)
}

/** Why `file` may not import `target` (both paths from the root, both in the engine), or null. */
function wrongRoom(file: string, target: string): string | null {
  const [from, to] = [roomOf(file), roomOf(target)]
  const isUnknown = [file, target].some(path => path.split('/').length > 3 && roomOf(path) < 0)
  if (isUnknown) return `${file} imports ${target}: one of them is in no room`
  return to > from
    ? `${file} imports ${target}: ${ROOMS[from] ?? 'the ground'} is below ${ROOMS[to] ?? 'the root'}`
    : null
}

const realmOf = (path: string): Realm | null =>
  (Object.keys(RULES) as Realm[]).find(realm => path.startsWith(RULES[realm].folder)) ?? null

/** The first thing wrong with `file` (a path from the root) importing `name`, or null. */
function wrongArrow(file: string, name: string): string | null {
  const realm = realmOf(file)
  if (realm === null) return null
  const rule = RULES[realm]
  const alias = Object.keys(ALIASES).find(prefix => name.startsWith(prefix))
  const target = name.startsWith('.')
    ? relative(root, resolve(root, dirname(file), name))
        .split(sep)
        .join('/')
    : alias === undefined
      ? null
      : (ALIASES[alias] ?? '') + name.slice(alias.length)
  if (target !== null) {
    const to = realmOf(target)
    if (to === null) return `${file} imports ${name}, which is in no realm`
    if (to === 'engine' && realm === 'engine') return wrongRoom(file, target)
    return to === realm || rule.realms.includes(to) ? null : `${file} imports ${name}: ${realm} may not import ${to}`
  }
  if (name.startsWith('node:') || builtinModules.includes(name)) {
    return rule.node ? null : `${file} imports ${name}: ${realm} has no Node`
  }
  const pkg = name.split('/', name.startsWith('@') ? 2 : 1).join('/')
  if (pkg === 'electron') return rule.electron ? null : `${file} imports electron`
  return rule.packages === null || rule.packages.includes(pkg) ? null : `${file} imports the package ${pkg}`
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.(ts|tsx|mts|mjs)$/.test(entry.name) && !entry.name.startsWith('vite.config'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

describe('import arrows', () => {
  const files = ['shared', 'electron', 'renderer', 'packages/sdk/src'].flatMap(sources)

  it('all point the way docs/architecture.md draws them', () => {
    const wrong = files.flatMap(file =>
      importsOf(readFileSync(join(root, file), 'utf8')).flatMap(name => wrongArrow(file, name) ?? []),
    )
    expect(files.length).toBeGreaterThan(50)
    expect(wrong).toEqual([])
  })

  it.each([
    ['shared/domain/x.ts', 'node:fs'],
    ['shared/domain/x.ts', 'fs'],
    ['shared/domain/x.ts', 'hono'],
    ['shared/rpc/x.ts', '#engine/createEngine.ts'],
    ['shared/rpc/x.ts', '../../electron/hosts/folders.ts'],
    ['electron/engine/store/x.ts', 'electron'],
    ['electron/engine/store/x.ts', '../packets/packet.ts'],
    ['electron/engine/models/x.ts', '#engine/inference/session.ts'],
    ['electron/engine/inference/x.ts', '../live/pool.ts'],
    ['electron/engine/live/x.ts', '../packets/packet.ts'],
    ['electron/engine/packets/x.ts', '../library/ask.ts'],
    ['electron/engine/packets/x.ts', '../createEngine.ts'],
    ['electron/engine/x.ts', './store/openStore.ts'],
    ['electron/engine/new/x.ts', '../sha256.ts'],
    ['electron/engine/store/x.ts', '#hosts/dispatch/dispatch.ts'],
    ['electron/engine/store/x.ts', '../../hosts/folders.ts'],
    ['electron/hosts/cli/x.ts', 'electron/main'],
    ['electron/hosts/cli/x.ts', '../../shell/menuTemplate.ts'],
    ['electron/preload/x.ts', '#hosts/folders.ts'],
    ['electron/preload/x.ts', 'zod'],
    ['electron/preload/x.ts', 'node:path'],
    ['packages/sdk/src/x.ts', '../../../electron/shell/menuTemplate.ts'],
    ['packages/sdk/src/x.ts', 'electron'],
    ['packages/sdk/src/x.ts', 'hono'],
    ['electron/hosts/cli/x.ts', '../../../packages/sdk/src/index.ts'],
    ['renderer/app/x.tsx', '#engine/createEngine.ts'],
    ['renderer/app/x.tsx', '../../electron/preload/preload.ts'],
    ['renderer/app/x.tsx', 'node:path'],
    ['renderer/app/x.tsx', 'electron'],
    ['renderer/app/x.tsx', '../../test/shared/domain/digest.test.ts'],
  ])('would be found wrong: %s importing %s', (file, name) => {
    expect(wrongArrow(file, name)).not.toBeNull()
  })

  it('are found in whatever form an import takes', () => {
    const source = `import 'a'\nimport x from "b"\nimport { type y } from 'c'\nexport * from 'd'\nawait import('e')\nrequire('f')
      import {\n z,\n} from 'g'\n// import 'not'\n/* import 'nor' */`
    expect(importsOf(source).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  })
})
