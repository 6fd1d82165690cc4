import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { findModels } from '#engine/models/sources/findModels.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { tinyGguf } from './tinyGguf.ts'

const root = mkdtempSync(join(tmpdir(), 'gguf-'))
afterAll(() => rmSync(root, { recursive: true }))

const model = tinyGguf()
/** Writes files below a new folder; returns the folder. */
function folderOf(name: string, files: Readonly<Record<string, string | Buffer>>): string {
  for (const [path, content] of Object.entries(files)) {
    const at = join(root, name, path)
    mkdirSync(dirname(at), { recursive: true })
    writeFileSync(at, content)
  }
  return join(root, name)
}
const found = (folder: string) =>
  findModels([{ folder, starter: false, external: true }]).map(({ id, folder: path }) => [id, path])

describe('GGUF models are found where other apps keep them', () => {
  it('in LM Studio’s folder, by publisher and model, without their companions', () => {
    const folder = folderOf('lmstudio', {
      'bartowski/Tiny-GGUF/Tiny-Q4_K_M.gguf': model,
      'bartowski/Tiny-GGUF/mmproj-Tiny-f16.gguf': model,
      'unsloth/Big-GGUF/Big-Q8_0-00001-of-00002.gguf': model,
      'unsloth/Big-GGUF/Big-Q8_0-00002-of-00002.gguf': model,
      'unsloth/Big-GGUF/README.md': 'text',
    })
    expect(found(folder)).toEqual([
      ['Tiny-Q4_K_M', join(folder, 'bartowski/Tiny-GGUF/Tiny-Q4_K_M.gguf')],
      ['Big-Q8_0', join(folder, 'unsloth/Big-GGUF/Big-Q8_0-00001-of-00002.gguf')],
    ])
  })

  const digest = 'ab'.repeat(32)
  const manifest = (mediaType: string) => JSON.stringify({ layers: [{ mediaType, digest: `sha256:${digest}` }] })
  const ollama = {
    [`blobs/sha256-${digest}`]: model,
    'manifests/registry.ollama.ai/library/tiny/latest': manifest('application/vnd.ollama.image.model'),
    'manifests/registry.ollama.ai/ada/tiny/3b': manifest('application/vnd.ollama.image.license'),
    'manifests/registry.ollama.ai/library/broken/1b': '{',
    'manifests/registry.ollama.ai/library/gone/1b': manifest('application/vnd.ollama.image.model').replaceAll(
      'ab',
      'cd',
    ),
  }

  it('in Ollama’s store, through its manifests, and opens a blob that no ending names', async () => {
    const folder = folderOf('ollama/models', ollama)
    const blob = join(folder, `blobs/sha256-${digest}`)
    expect(found(folder)).toEqual([['tiny', blob]])
    expect(found(dirname(folder))).toEqual([['tiny', blob]])
    expect(await openModel(blob)).toMatchObject({ architecture: 'llama', kind: 'kv' })
  })

  it('in one folder of files, beside folders in the hub’s layout', () => {
    const folder = folderOf('mixed', {
      'a.gguf': model,
      'B.GGUF': model,
      'hub-model/config.json': '{}',
      'hub-model/model.safetensors': '',
      'hub-model/model.gguf': model,
      'only-gguf/config.json': '{}',
      'only-gguf/c.gguf': model,
    })
    expect(found(folder).map(([id]) => id)).toEqual(['hub-model', 'B', 'a', 'c'])
  })

  it('as a file that is named itself, and once only', () => {
    const folder = folderOf('named', { 'a.gguf': model })
    const file = join(folder, 'a.gguf')
    const entries = findModels([
      { folder: file, starter: false },
      { folder, starter: false },
    ])
    expect(entries.map(entry => [entry.id, entry.folder])).toEqual([['a', file]])
    expect(found(join(folder, 'absent.gguf'))).toEqual([])
  })

  it('keeps them, offline, while their drive is away', () => {
    const folder = folderOf('drive', { 'a.gguf': model })
    let seen: Readonly<Record<string, readonly string[]>> = {}
    const memory = {
      get: () => seen,
      set(next: typeof seen) {
        seen = next
      },
    }
    const list = () => findModels([{ folder, starter: false, external: true }], memory)
    expect(list()).toMatchObject([{ id: 'a', offline: false }])
    rmSync(folder, { recursive: true })
    expect(list()).toMatchObject([{ id: 'a', offline: true, folder: join(folder, 'a.gguf') }])
  })
})
