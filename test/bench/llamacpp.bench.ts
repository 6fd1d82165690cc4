/**
 * Our verified restore plus a delta against llama.cpp's unverified one: the same weights, the same tokens, keys and values in
 * float16 on disk. `--llama FOLDER`: where node-llama-cpp is installed (default: here), `--tokens N`, `--runs N`.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultThreads } from '#engine/inference/device.ts'
import { writeGeneratedCheckpoint } from '../model/generatedCheckpoint.ts'
import { ROOT, row } from './benchEngine.ts'
import { type LlamaConfig, writeGguf } from './gguf.ts'
import { measureLlamaCpp, measureModel } from './inOwnProcess.ts'
import { LLAMA_SHAPES } from './modelShapes.ts'

const DELTA = 16
const INSTALL = 'npm install --no-save --omit=optional --ignore-scripts node-llama-cpp@3 @node-llama-cpp/linux-x64@3'
const { values } = parseArgs({
  options: {
    llama: { type: 'string', default: ROOT },
    tokens: { type: 'string', default: '992' },
    runs: { type: 'string', default: '9' },
  },
})
const installedIn = resolve(values.llama)
const [tokens, runs] = [Number(values.tokens), Number(values.runs)]

if (!existsSync(join(installedIn, 'node_modules', 'node-llama-cpp'))) {
  console.log(
    `Skipped: node-llama-cpp is not in ${installedIn}. In a folder of its own: ${INSTALL}, then --llama FOLDER.`,
  )
} else {
  const scratch = await mkdtemp(join(tmpdir(), 'statepack-bench-gguf-'))
  try {
    const folders: Record<string, string> = { 'starter-transformer': join(ROOT, 'assets/models/starter-transformer') }
    for (const [name, shape] of Object.entries(LLAMA_SHAPES)) {
      folders[name] = join(scratch, name)
      await writeGeneratedCheckpoint(join(scratch, name), shape)
    }
    const rows = []
    for (const [model, folder] of Object.entries(folders))
      rows.push(await compare(model, folder, join(scratch, 'gguf')))
    console.table(rows)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function compare(model: string, folder: string, gguf: string) {
  await writeGguf(gguf, folder)
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as LlamaConfig
  const ours = await measureModel({ folder, device: 'cpu', tokens, delta: DELTA, runs })
  // The settings that suit llama.cpp best here are the ones it is compared with.
  const tried = []
  for (const threads of new Set([1, defaultThreads()])) {
    for (const flashAttention of [false, true]) {
      const how = `${threads} ${threads === 1 ? 'thread' : 'threads'}${flashAttention ? ', flash attention' : ''}`
      const given = { installedIn, gguf, tokens, runs, threads, flashAttention, delta: DELTA }
      tried.push({ how, ...(await measureLlamaCpp({ ...given, vocabSize: config.vocab_size })) })
    }
  }
  const figure = (from: Record<string, number | string>, name: string) => Number(from[name])
  const time = 'unverified load + delta ms'
  const [best] = tried.sort((a, b) => figure(a, time) - figure(b, time))
  if (best === undefined) throw new Error('Nothing was measured.')
  return row({
    model,
    tokens,
    delta: DELTA,
    'verified restore ms': figure(ours, 'verified restore ms'),
    'ours: restore + delta ms': figure(ours, 'verified restore + delta ms'),
    'llama.cpp load ms': figure(best, 'unverified load ms'),
    'llama.cpp: load + delta ms': figure(best, time),
    ratio: figure(best, time) / figure(ours, 'verified restore + delta ms'),
    'llama.cpp with': best.how,
    'same likeliest id': String(figure(ours, 'likeliest id') === figure(best, 'likeliest id')),
    'logits differ by (mean)':
      Math.abs(figure(ours, 'sum of logits') - figure(best, 'sum of logits')) / config.vocab_size,
  })
}
