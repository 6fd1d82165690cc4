/** Finds golden cases under a folder and runs each by its kind. A new kind is one file and one line here. */
import { readdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { toErrorValue } from '#shared/domain/error.ts'
import { runCheckpointCase } from './goldenCheckpoint.ts'
import { runExportCase } from './goldenExport.ts'
import { runGgufCase } from './goldenGguf.ts'
import type { GoldenLine } from './goldenLine.ts'
import { runTokenizerCase } from './goldenTokenizer.ts'

interface CaseKind {
  readonly name: 'checkpoint' | 'export' | 'gguf' | 'tokenizer'
  /** By the names of a folder that has golden.json or golden.safetensors. */
  readonly matches: (names: ReadonlySet<string>) => boolean
  readonly run: (folder: string) => Promise<GoldenLine>
}

const KINDS: readonly CaseKind[] = [
  {
    name: 'checkpoint',
    matches: names => names.has('model.safetensors') || names.has('model.safetensors.index.json'),
    run: runCheckpointCase,
  },
  {
    name: 'export',
    matches: names =>
      names.has('golden.safetensors') && [...names].some(name => name === 'onnx' || name.endsWith('.onnx')),
    run: runExportCase,
  },
  {
    name: 'gguf',
    matches: names => [...names].some(name => name.endsWith('.gguf')),
    run: runGgufCase,
  },
  {
    name: 'tokenizer',
    matches: names => names.has('tokenizer.json') && names.has('golden.json') && !names.has('golden.safetensors'),
    run: folder => runTokenizerCase(folder),
  },
]

export interface GoldenCase {
  /** Its folder's path below the folder that was searched. */
  readonly name: string
  readonly kind: CaseKind['name']
  readonly run: () => Promise<GoldenLine>
}

/** Every case at or below `root`, by name. */
export async function findGoldenCases(root: string): Promise<GoldenCase[]> {
  const cases: GoldenCase[] = []
  const visit = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true })
    const names = new Set(entries.map(({ name }) => name))
    const kind =
      names.has('golden.json') || names.has('golden.safetensors')
        ? KINDS.find(({ matches }) => matches(names))
        : undefined
    if (kind !== undefined) {
      const name =
        relative(root, folder) === '' ? (resolve(folder).split(/[\\/]/).at(-1) ?? folder) : relative(root, folder)
      cases.push({ name, kind: kind.name, run: () => runCase(name, () => kind.run(folder)) })
      return
    }
    for (const entry of entries)
      if (entry.isDirectory() || entry.isSymbolicLink()) await visit(join(folder, entry.name)).catch(ignoreFile)
  }
  await visit(root)
  return cases.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** A link to a file, not to a folder. */
function ignoreFile(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTDIR') throw error
}

async function runCase(name: string, run: () => Promise<GoldenLine>): Promise<GoldenLine> {
  try {
    return { ...(await run()), case: name }
  } catch (error) {
    const { code, message } = toErrorValue(error)
    return { case: name, ok: false, code, message }
  }
}
