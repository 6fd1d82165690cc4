import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { freshBuild } from '../../scripts/freshBuild.mjs'

const PRODUCTS = ['main.js', 'engine.js', 'serve.js', 'cli.js'].map(name => `out/main/${name}`)
const BUILT = [...PRODUCTS, 'out/preload/preload.cjs', 'out/renderer/index.html']
const SOURCES = ['shared/a.ts', 'electron/deep/b.ts', 'renderer/c.tsx', 'electron.vite.config.ts', 'package-lock.json']
const [EARLIER, BUILD, LATER] = [1000, 2000, 3000]

/** An installation without its build tools, built after its sources were written. */
function pruned() {
  const root = mkdtempSync(join(tmpdir(), 'statepack-pruned-'))
  const touch = (file: string, at: number) => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), '')
    for (let path = file; path !== '.'; path = dirname(path)) utimesSync(join(root, path), at, at)
  }
  for (const file of SOURCES) touch(file, EARLIER)
  for (const file of BUILT) touch(file, BUILD)
  return { root, touch }
}

async function saidOf(root: string): Promise<readonly unknown[]> {
  const said = vi.spyOn(console, 'error').mockReturnValue()
  await freshBuild(root)
  return said.mock.calls.flat()
}

describe('an installation without its build tools', () => {
  afterEach(() => vi.restoreAllMocks())

  it('says once, and how to mend it, that its build is older than a source', async () => {
    const { root, touch } = pruned()
    touch('electron/deep/b.ts', LATER)
    const said = await saidOf(root)
    expect(said).toHaveLength(1)
    expect(said[0]).toContain('built before its sources last changed')
    expect(said[0]).toContain('npm ci && npm prune --omit=dev')
    rmSync(root, { recursive: true })
  })

  it('says nothing of a build that is of its sources, as npm prune leaves it', async () => {
    const { root, touch } = pruned()
    touch('package-lock.json', LATER)
    expect(await saidOf(root)).toEqual([])
    rmSync(root, { recursive: true })
  })

  it('says nothing of a build that is not there', async () => {
    const { root } = pruned()
    rmSync(join(root, 'out/main/cli.js'))
    expect(await saidOf(root)).toEqual([])
    rmSync(root, { recursive: true })
  })
})
