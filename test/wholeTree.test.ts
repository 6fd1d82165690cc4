/** What no type and no linter sees: dependencies nobody imports, code that only tests reach, tests that cannot fail. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const filesIn = (folder: string, ending = /\.(ts|tsx|mts|mjs)$/) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && ending.test(entry.name))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))

const product = ['shared', 'electron', 'renderer', 'packages/sdk/src', 'bin', 'scripts'].flatMap(folder =>
  filesIn(folder),
)
const tests = filesIn('test')
const configs = readdirSync(root).filter(name => /\.config\.ts$/.test(name))

const ALIASES = { '#shared/': 'shared/', '#engine/': 'electron/engine/', '#hosts/': 'electron/hosts/' }

/** A module name as a path from the root, or null for a package. */
function target(file: string, name: string): string | null {
  if (name.startsWith('.'))
    return relative(root, resolve(root, dirname(file), name))
      .split(sep)
      .join('/')
  const alias = Object.entries(ALIASES).find(([prefix]) => name.startsWith(prefix))
  return alias === undefined ? null : alias[1] + name.slice(alias[0].length)
}

/** The package of a module name: `a` of `a/b`, `@a/b` of `@a/b/c`. */
const packageOf = (name: string) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')

/** Names that a source takes from a module; `*` for all of it. */
function* importsOf(source: string): Generator<{ from: string; names: string[] }> {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  for (const [, clause = '', from = ''] of code.matchAll(
    /\b(?:import|export)\s+(?:type\s+)?([^'";]*?)\s*from\s*['"]([^'"\s]+)['"]/g,
  )) {
    const braces = /\{([^}]*)\}/.exec(clause)?.[1]
    const names = (braces ?? '*').split(',').map(
      part =>
        part
          .trim()
          .replace(/^type\s+/, '')
          .split(/\s+as\s+/)[0] ?? '',
    )
    yield { from, names: names.filter(name => name !== '') }
  }
  for (const [, from = ''] of code.matchAll(/\bimport\s*\(\s*['"`]([^'"`]+)['"`]/g)) yield { from, names: ['*'] }
  for (const [, from = ''] of code.matchAll(/^\s*import\s*['"]([^'"\s]+)['"]/gm)) yield { from, names: ['*'] }
}

function exportsOf(source: string): string[] {
  const declared = /^export\s+(?:declare\s+)?(?:async\s+)?(?:abstract\s+)?(?:function\*?|const|let|class)\s+(\w+)/gm
  return [...source.matchAll(declared)].map(match => match[1] ?? '')
}

/** Forms of an assertion that hold for whatever the code does, or nearly. */
const CANNOT_FAIL = [
  /toMatch\(\/\.[*+?]?\/\)|stringMatching\(\/\.[*+?]?\/\)/,
  /\.toBeDefined\(\)|\.toBeTruthy\(\)|not\.toBeUndefined\(\)/,
  /expect\((true|false|1|0|null|\{\}|\[\])\)/,
  /\|\| true\b/,
]

/** Exports that the product offers and does not use itself: RFC 6962's checks, for whoever audits a log; rows run together. */
const OFFERED = ['verifyInclusion', 'verifyConsistency']

/** A pattern of a schema without words for those whose input does not match. */
const MUTE_PATTERN = /\.regex\(\s*\/(?:\\.|\[(?:\\.|[^\]])*\]|[^/\\\n[])+\/[a-z]*\s*,?\s*\)/

/** How JavaScript makes a figure readable. */
const FORMATS =
  /\.to(Fixed|Precision|Exponential|Locale\w*)\(|\bIntl\.(NumberFormat|DateTimeFormat|RelativeTimeFormat)\b/
/** Not for people: forms that something else has laid down. */
const OWN_FORMS: Readonly<Record<string, string>> = {
  'electron/engine/receipts/legacy.ts': 'floats as the logs of earlier versions hashed them',
  'electron/engine/models/tokenizer/templateValues.ts': 'floats as Jinja prints them',
  'renderer/ui/readNumber.ts': 'digits and marks of every script, to read what was typed',
}

/** Lines that give a test, or what it waits for, less than `least` ms; `vi.waitFor` gives a second where nobody says more. */
function hasteIn(source: string, least: number): string[] {
  // The time may stand on a line of its own.
  const lines = source.replace(/\},\s+([\d_]+),\s*\)/g, '}, $1)').split('\n')
  return lines.filter(line => {
    const time = /\btimeout: ([\d_]+)|^\s*\}, ([\d_]{4,})\)/.exec(line)
    const ms = time === null ? least : Number((time[1] ?? time[2] ?? '').replaceAll('_', ''))
    return ms < least || /\bvi\.wait(For|Until)\b/.test(line)
  })
}

describe('the tree', () => {
  it('has no dependency that nothing imports', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json'))
    const used = new Set(
      [...product, ...tests, ...configs].flatMap(file => [
        ...[...importsOf(read(file))].map(({ from }) => packageOf(from)),
        // Also what is started or resolved by its name.
        ...[...read(file).matchAll(/['"`]([@a-z][\w./@-]*)['"`]/g)].map(match => match[1] ?? ''),
      ]),
    )
    const css = filesIn('renderer', /\.(css|html)$/)
      .map(read)
      .join('\n')
    // Tools that are run, not imported.
    const tools = ['typescript', 'electron-builder', '@biomejs/biome', 'node', 'vite']
    const unused = Object.keys({ ...dependencies, ...devDependencies }).filter(
      name =>
        !tools.includes(name) &&
        !name.startsWith('@types/') &&
        ![...used].some(one => one === name || one.startsWith(`${name}/`)) &&
        !css.includes(name),
    )
    expect(unused).toEqual([])
  })

  it('imports no package that it does not declare', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json'))
    const declared = Object.keys({ ...dependencies, ...devDependencies })
    const undeclared = [...product, ...configs].flatMap(file =>
      [...importsOf(read(file))]
        .map(({ from }) => from)
        .filter(from => /^[@a-z]/.test(from) && !from.startsWith('node:'))
        .filter(from => !declared.includes(packageOf(from)))
        .map(from => `${file}: ${from}`),
    )
    expect(undeclared).toEqual([])
  })

  it('names in the SDK’s package whatever the engine imports, in the same versions', () => {
    const { dependencies } = JSON.parse(read('package.json'))
    const { dependencies: sdk } = JSON.parse(read('packages/sdk/package.json'))
    const imported = product
      .filter(file => file.startsWith('electron/engine/'))
      .flatMap(file => [...importsOf(read(file))].map(({ from }) => packageOf(from)))
      .filter(name => name in dependencies)
    const missing = [...new Set(imported)].filter(name => sdk[name] !== dependencies[name])
    expect(missing).toEqual([])
  })

  it('has no export that only tests reach', () => {
    const taken = new Map<string, Set<string>>()
    for (const file of product)
      for (const { from, names } of importsOf(read(file))) {
        const at = target(file, from)
        if (at === null) continue
        const set = taken.get(at) ?? new Set()
        for (const name of names) set.add(name)
        taken.set(at, set)
      }
    // Pages are loaded by their names.
    for (const [, feature, page = ''] of read('renderer/app/routes.tsx').matchAll(/\bpage\('(\w+)', '(\w+)'\)/g))
      taken.set(`renderer/features/${feature}/${page}.tsx`, new Set([page]))
    const unreached = product
      .filter(file => !file.startsWith('scripts/') && !file.startsWith('bin/'))
      .flatMap(file => {
        const names = taken.get(file) ?? new Set()
        const source = read(file)
        return (
          exportsOf(source)
            .filter(name => !names.has(name) && !names.has('*'))
            // Used in its own file, it is product code that a test may look at, too.
            .filter(name => [...source.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length < 2)
            .map(name => `${file}: ${name}`)
        )
      })
    expect(unreached.filter(line => !OFFERED.some(name => line.endsWith(`: ${name}`)))).toEqual([])
    // What is no longer an exception leaves the list of exceptions.
    expect(OFFERED.filter(name => !unreached.some(line => line.endsWith(`: ${name}`)))).toEqual([])
  })

  it('formats figures in one place', () => {
    const elsewhere = product
      .filter(file => !/^(scripts|bin)\//.test(file) && !file.startsWith('shared/figures/'))
      .filter(file => !(file in OWN_FORMS))
      .flatMap(file =>
        read(file)
          .split('\n')
          .flatMap((line, at) => (FORMATS.test(line) ? [`${file}:${at + 1}`] : [])),
      )
    expect(elsewhere).toEqual([])
    // What no longer needs to be an exception is none.
    expect(Object.keys(OWN_FORMS).filter(file => !FORMATS.test(read(file)))).toEqual([])
  })

  it('says of every pattern that input must match what is expected, in words', () => {
    const mute = product.flatMap(file => (MUTE_PATTERN.test(read(file)) ? [file] : []))
    expect(mute).toEqual([])
  })

  it('has no test that cannot fail', () => {
    const weak = tests
      .filter(file => file !== 'test/wholeTree.test.ts')
      .flatMap(file =>
        read(file)
          .split('\n')
          .flatMap((line, index) => (CANNOT_FAIL.some(form => form.test(line)) ? [`${file}:${index + 1}`] : [])),
      )
    expect(weak).toEqual([])
    const empty = tests.filter(file => file.endsWith('.test.ts') && !/\bexpect\b/.test(read(file)))
    expect(empty).toEqual([])
  })

  it('gives no unit test less time than the configuration, which knows of busy machines', () => {
    const least = Number(/testTimeout: ([\d_]+)/.exec(read('vitest.config.ts'))?.[1]?.replaceAll('_', ''))
    const hasty = tests
      .filter(file => file.endsWith('.test.ts') && file !== 'test/wholeTree.test.ts')
      .flatMap(file => hasteIn(read(file), least).map(line => `${file}: ${line}`))
    expect(hasty).toEqual([])
  })

  it('would be found wanting', () => {
    for (const line of ['it(`x`, { timeout: 60_000 }, () => {})', '}, 60_000)', 'vi.waitFor(() => expect(x).toBe(1))'])
      expect(hasteIn(line, 60_001), line).toEqual([line])
    for (const line of ['it(`x`, { timeout: 60_001 }, () => {})', '}, 120_000)', 'expect.poll(() => x).toBe(1)'])
      expect(hasteIn(line, 60_001), line).toEqual([])
    expect(hasteIn('it(\n  () => {\n  },\n  60_000,\n)', 60_001)).toEqual(['  }, 60_000)'])
    const lines = ['expect(x).toBeDefined()', 'expect(x).toMatch(/./)', 'toMatch(/.*/)', 'expect(true).toBe(true)']
    for (const line of [...lines, 'resolves.toBeTruthy()', 'stringMatching(/.?/)', 'expect(a || true)'])
      expect(
        CANNOT_FAIL.some(form => form.test(line)),
        line,
      ).toBe(true)
    expect(MUTE_PATTERN.test('z.string().regex(/^[/a]+\\/$/)')).toBe(true)
    expect(MUTE_PATTERN.test("z.string().regex(/^[/a]+\\/$/, 'a path is expected')")).toBe(false)
    for (const line of ['x.toFixed(1)', 'new Intl.NumberFormat()', 'd.toLocaleDateString()'])
      expect(FORMATS.test(line), line).toBe(true)
    expect([...importsOf("import { type A, b as c } from './x.ts'\nimport('./y.ts')\nimport './z.css'")]).toEqual([
      { from: './x.ts', names: ['A', 'b'] },
      { from: './y.ts', names: ['*'] },
      { from: './z.css', names: ['*'] },
    ])
    expect(exportsOf('export function a() {}\nexport const b = 1\nconst c = 2\nexport async function* d() {}')).toEqual(
      [...['a', 'b', 'd']],
    )
  })
})
