/**
 * The shapes of gpt2-small, SmolLM2-135M and mamba-130m with generated weights: reading, one step, a delta, capture, restore,
 * memory; and whether other devices come to the processor's answer. `--device NAME` (default: every device there is; the
 * processor runs too, to compare with), `--model NAME`, `--tokens N`, `--runs N`, `--layers N` for smaller ones.
 * `--record FILE` writes the figures as JSON, with `--adapter NAME` as the name of the graphics adapter.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { candidateDevices, defaultThreads, type Provider } from '#engine/inference/device.ts'
import { toStatePackError } from '#shared/domain/error.ts'
import { writeGeneratedCheckpoint } from '../model/generatedCheckpoint.ts'
import { measureAttentionStep } from './attentionStep.ts'
import { row } from './benchEngine.ts'
import { measureModel } from './inOwnProcess.ts'
import type { MeasuredModel } from './measureModel.ts'
import { LLAMA_SHAPES, MODEL_SHAPES } from './modelShapes.ts'

const DELTA = 16
const DEVICES: readonly Provider[] = ['cpu', 'webgpu', 'dml', 'coreml', 'cuda']
const { values } = parseArgs({
  options: {
    device: { type: 'string' },
    // The context of gpt2-small, less the delta and the steps.
    tokens: { type: 'string', default: '976' },
    runs: { type: 'string', default: '5' },
    layers: { type: 'string' },
    model: { type: 'string' },
    record: { type: 'string' },
    adapter: { type: 'string' },
  },
})
const [tokens, runs] = [Number(values.tokens), Number(values.runs)]
const layers = values.layers === undefined ? undefined : Number(values.layers)
const devices = DEVICES.filter(device => values.device === undefined || device === values.device || device === 'cpu')
if (values.device !== undefined && !devices.some(device => device === values.device))
  throw new Error(`There is no device ${values.device}: ${DEVICES.join(', ')}.`)

const shapes = { ...MODEL_SHAPES, ...LLAMA_SHAPES }
const names = Object.keys(shapes) as (keyof typeof shapes)[]
const rows: ReturnType<typeof row>[] = []
const skipped: string[] = []
for (const name of names.filter(name => values.model === undefined || name === values.model)) {
  const folder = await mkdtemp(join(tmpdir(), 'statepack-bench-weights-'))
  try {
    await writeGeneratedCheckpoint(folder, shapes[name](layers))
    let onCpu: MeasuredModel['answer'] | null = null
    for (const device of devices) {
      try {
        candidateDevices(device)
        const { figures, answer } = await measureModel({ folder, device, tokens, delta: DELTA, runs })
        if (device === 'cpu') onCpu = answer
        rows.push(row({ model: name, device, tokens, delta: DELTA, ...figures, ...(onCpu && beside(onCpu, answer)) }))
      } catch (thrown) {
        skipped.push(`${name} on ${device} skipped: ${toStatePackError(thrown).message}`)
      }
      if (values.record !== undefined) await record(values.record)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
console.table(rows)
for (const line of skipped) console.log(line)
/** What has been measured so far. */
async function record(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const machine = { processor: cpus()[0]?.model.trim(), threads: defaultThreads(), adapter: values.adapter ?? null }
  const day = new Date().toISOString().slice(0, 10)
  await writeFile(file, `${JSON.stringify({ date: day, ...machine, runs, rows, skipped }, null, 2)}\n`)
}

/** How many ids two computations write alike before they part, and the largest difference between their logits. */
function beside(ours: MeasuredModel['answer'], theirs: MeasuredModel['answer']) {
  const apart = ours.ids.findIndex((id, at) => id !== theirs.ids[at])
  return {
    'ids as on cpu': `${apart < 0 ? ours.ids.length : apart} of ${ours.ids.length}`,
    'max |logit diff|': Math.max(
      ...ours.logits.map((logit, at) => Math.abs(logit - (theirs.logits[at] ?? Number.NaN))),
    ),
  }
}

const attention = { layers: layers ?? 12, heads: 12, headDim: 64, past: tokens }
const { concatMs, inPlaceMs } = await measureAttentionStep(attention, runs * 4, defaultThreads())
console.log(`Attention of one decode step at ${tokens} tokens, ${attention.layers} layers of 12 heads, cpu:`)
console.table([row({ 'past put together anew ms': concatMs, 'in place ms': inPlaceMs, ratio: concatMs / inPlaceMs })])
