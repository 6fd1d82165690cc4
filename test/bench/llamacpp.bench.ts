/**
 * Our verified restore plus a delta, cold and hot, and 32 tokens after it, against llama.cpp's unverified one: the same
 * weights, the same tokens, keys and values in float16 on disk. `--llama FOLDER`: where node-llama-cpp is installed
 * (default: here), `--tokens N`, `--runs N`, `--model NAME` for one of the models.
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
import { likeliestTwo } from './likeliestTwo.ts'
import { LLAMA_SHAPES } from './modelShapes.ts'

const DELTA = 16
/** The same weights as each side keeps them; llama.cpp has no float32 that is as fast as its F16. */
const PAIRS = [
  { precision: 'float32', form: 'F16' },
  { precision: 'int8', form: 'Q8_0' },
] as const
const INSTALL = 'npm install --no-save --omit=optional --ignore-scripts node-llama-cpp@3 @node-llama-cpp/linux-x64@3'
const { values } = parseArgs({
  options: {
    llama: { type: 'string', default: ROOT },
    tokens: { type: 'string', default: '992' },
    model: { type: 'string' },
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
      if (values.model !== undefined && values.model !== name) continue
      folders[name] = join(scratch, name)
      await writeGeneratedCheckpoint(join(scratch, name), shape())
    }
    const rows = []
    for (const [model, folder] of Object.entries(folders)) {
      if (values.model !== undefined && values.model !== model) continue
      for (const pair of PAIRS) rows.push(await compare({ model, folder, scratch }, pair))
    }
    console.table(rows)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function compare(
  { model, folder, scratch }: { model: string; folder: string; scratch: string },
  { precision, form }: (typeof PAIRS)[number],
) {
  const gguf = join(scratch, `${model}.${form}.gguf`)
  await writeGguf(gguf, folder, form)
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as LlamaConfig
  const convertedFolder = join(scratch, 'converted', model)
  const how = { folder, convertedFolder, precision, device: 'cpu', tokens, delta: DELTA, runs, floor: true } as const
  const { figures, answer } = await measureModel(how)
  const [first, second] = likeliestTwo(answer.logits)
  const ours = {
    ...figures,
    'sum of logits': answer.logits.reduce((sum, logit) => sum + logit, 0),
    'likeliest id': first.id,
    'second id': second.id,
    'ahead by': first.logit - second.logit,
  }
  // The settings that suit llama.cpp best here are the ones it is compared with.
  const tried: Record<string, number | string>[] = []
  for (const threads of new Set([1, defaultThreads()])) {
    for (const flashAttention of [false, true]) {
      const how = `${threads} ${threads === 1 ? 'thread' : 'threads'}${flashAttention ? ', flash attention' : ''}`
      const given = { installedIn, gguf, tokens, runs, threads, flashAttention, delta: DELTA }
      tried.push({ how, ...(await measureLlamaCpp({ ...given, vocabSize: config.vocab_size })) })
    }
  }
  const figure = (from: Figures, name: string) => Number(from[name])
  const time = 'unverified load + delta ms'
  const bestAt = (name: string, better: (a: number, b: number) => number) =>
    tried.map(found => figure(found, name)).reduce((a, b) => better(a, b))
  const [best] = tried.sort((a, b) => figure(a, time) - figure(b, time))
  if (best === undefined) throw new Error('Nothing was measured.')
  const step = bestAt('decode step ms', Math.min)
  const prefill = bestAt('prefill tok/s', Math.max)
  return row({
    model: `${model} ${precision} / ${form}`,
    tokens,
    'theirs: load + delta ms': figure(best, time),
    'cold: restore + delta ms': figure(ours, 'cold: restore + delta ms'),
    'cold / theirs': figure(ours, 'cold: restore + delta ms') / figure(best, time),
    'hot: restore + delta ms': figure(ours, 'hot: restore + delta ms'),
    'hot / theirs': figure(ours, 'hot: restore + delta ms') / figure(best, time),
    'decode step ms': figure(ours, 'decode step ms'),
    'theirs: step ms': step,
    'step / theirs': figure(ours, 'decode step ms') / step,
    'prefill tok/s': figure(ours, 'prefill tok/s'),
    'prefill / theirs': figure(ours, 'prefill tok/s') / prefill,
    'theirs with': String(best.how),
    'floor: delta ms': figure(ours, 'floor: delta ms'),
    'floor: step ms': figure(ours, 'floor: step ms'),
    'floor: prefill tok/s': figure(ours, 'floor: prefill tok/s'),
    'same likeliest id': sameChoice(ours, best),
    'logits differ by (mean)':
      Math.abs(figure(ours, 'sum of logits') - figure(best, 'sum of logits')) / config.vocab_size,
  })
}

type Figures = Readonly<Record<string, number | string>>

/** Where they choose differently: whether the two ids are the ones that both are least sure of, and by how much. */
function sameChoice(ours: Figures, theirs: Figures): string {
  if (ours['likeliest id'] === theirs['likeliest id']) return 'yes'
  const isTie = ours['likeliest id'] === theirs['second id'] && ours['second id'] === theirs['likeliest id']
  const ahead = [ours, theirs].map(side => Number(side['ahead by']).toPrecision(2))
  return `${isTie ? 'near-tie' : 'NO'}: ours ahead by ${ahead[0]}, theirs by ${ahead[1]}`
}
