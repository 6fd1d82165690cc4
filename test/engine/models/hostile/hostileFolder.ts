/** Model folders that mean harm: a real one of each kind, with one thing changed. */
import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const CHECKPOINT = 'assets/models/starter-transformer'
export const EXPORT = 'test/golden/onnx/llama'
/** Pipes and devices are made by the system's own tools. */
export const HAS_DEVICES = process.platform !== 'win32'

type Change = (folder: string) => Promise<void>

/** Runs `use` on a copy of `model` after `change`. */
export async function withHostileFolder<T>(
  model: string,
  change: Change,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'statepack-hostile-'))
  try {
    await cp(resolve(model), folder, { recursive: true })
    await change(folder)
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const THINGS = {
  'a folder': async path => {
    await mkdir(path)
  },
  'a pipe': async path => {
    execFileSync('mkfifo', [path])
  },
  '/dev/zero': path => symlink('/dev/zero', path),
  'a link to itself': path => symlink(path, path),
  'a link to a pipe': async path => {
    execFileSync('mkfifo', [`${path}.pipe`])
    await symlink(`${path}.pipe`, path)
  },
  'a file of 300 GB': async path => {
    await writeFile(path, '')
    await truncate(path, 300e9)
  },
} satisfies Record<string, Change>

export function replaced(name: string, make: Change): Change {
  return async folder => {
    await rm(join(folder, name), { force: true })
    await make(join(folder, name))
  }
}

export function edited(name: string, edit: (json: Record<string, unknown>) => void): Change {
  return async folder => {
    const json = JSON.parse(await readFile(join(folder, name), 'utf8').catch(() => '{}'))
    edit(json)
    await writeFile(join(folder, name), JSON.stringify(json))
  }
}

const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false }

export const splitBy = (Regex: string) =>
  edited('tokenizer.json', json => {
    json.pre_tokenizer = {
      type: 'Sequence',
      pretokenizers: [{ type: 'Split', pattern: { Regex }, behavior: 'Isolated' }, bytes],
    }
  })

export const normalizeBy = (normalizer: unknown) =>
  edited('tokenizer.json', json => {
    json.normalizer = normalizer
  })

export const renderBy =
  (template: string): Change =>
  folder =>
    writeFile(join(folder, 'chat_template.jinja'), template)

/** A stage inside a stage inside a stage, deeper than `JSON.stringify` goes. */
export function nested(field: string, key: 'normalizers' | 'pretokenizers'): Change {
  const stage = `${`{"type":"Sequence","${key}":[`.repeat(20_000)}{"type":"NFC"}${']}'.repeat(20_000)}`
  return async folder => {
    await edited('tokenizer.json', json => Object.assign(json, { [field]: '@' }))(folder)
    const path = join(folder, 'tokenizer.json')
    await writeFile(path, (await readFile(path, 'utf8')).replace(`"${field}":"@"`, `"${field}":${stage}`))
  }
}

export const doubling = (times: number) => ({
  type: 'Sequence',
  normalizers: Array.from({ length: times }, () => ({
    type: 'Replace',
    pattern: { Regex: '(?=.)' },
    content: 'aaaaaaaa',
  })),
})

/** Eight changed bytes: what ends a slice is no longer the end, and ONNX Runtime takes all memory while it loads. */
export async function endlessSlice(folder: string): Promise<void> {
  const path = join(folder, 'model.onnx')
  const model = await readFile(path)
  Buffer.from([0xa5, 0xf3, 0xb4, 0x29, 0x5a, 0x16]).copy(model, 40098)
  model[40105] = 0x7f
  await writeFile(path, model)
}
