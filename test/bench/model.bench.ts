/**
 * The shapes of gpt2-small and mamba-130m with generated weights: reading, one step, a delta, capture, restore, memory.
 * `--device NAME` (default: every device there is), `--tokens N`, `--runs N`, `--layers N` for smaller ones.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { candidateDevices, defaultThreads, type Provider } from '#engine/inference/device.ts'
import { toStatePackError } from '#shared/domain/error.ts'
import { writeGeneratedCheckpoint } from '../model/generatedCheckpoint.ts'
import { measureAttentionStep } from './attentionStep.ts'
import { row } from './benchEngine.ts'
import { measureModel } from './inOwnProcess.ts'
import { MODEL_SHAPES, type ModelShape } from './modelShapes.ts'

const DELTA = 16
const DEVICES: readonly Provider[] = ['cpu', 'webgpu', 'dml', 'coreml', 'cuda']
const { values } = parseArgs({
  options: {
    device: { type: 'string' },
    // The context of gpt2-small, less the delta and the steps.
    tokens: { type: 'string', default: '976' },
    runs: { type: 'string', default: '5' },
    layers: { type: 'string' },
  },
})
const [tokens, runs] = [Number(values.tokens), Number(values.runs)]
const layers = values.layers === undefined ? undefined : Number(values.layers)
const devices = DEVICES.filter(device => values.device === undefined || device === values.device)
if (devices.length === 0) throw new Error(`There is no device ${values.device}: ${DEVICES.join(', ')}.`)

const rows = []
const skipped: string[] = []
for (const name of Object.keys(MODEL_SHAPES) as ModelShape[]) {
  const folder = await mkdtemp(join(tmpdir(), 'statepack-bench-weights-'))
  try {
    await writeGeneratedCheckpoint(folder, MODEL_SHAPES[name](layers))
    for (const device of devices) {
      try {
        candidateDevices(device)
        const measured = await measureModel({ folder, device, tokens, delta: DELTA, runs })
        const { 'sum of logits': _sum, 'likeliest id': _id, ...figures } = measured
        rows.push(row({ model: name, device, tokens, delta: DELTA, ...figures }))
      } catch (thrown) {
        skipped.push(`${name} on ${device} skipped: ${toStatePackError(thrown).message}`)
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
console.table(rows)
for (const line of skipped) console.log(line)

const attention = { layers: layers ?? 12, heads: 12, headDim: 64, past: tokens }
const { concatMs, inPlaceMs } = await measureAttentionStep(attention, runs * 4, defaultThreads())
console.log(`Attention of one decode step at ${tokens} tokens, ${attention.layers} layers of 12 heads, cpu:`)
console.table([row({ 'past put together anew ms': concatMs, 'in place ms': inPlaceMs, ratio: concatMs / inPlaceMs })])
