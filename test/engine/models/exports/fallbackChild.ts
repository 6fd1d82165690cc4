/** Opens a model where webgpu is tried first and prints where it runs and why: `node fallbackChild.ts MODEL`. */
import { writeSync } from 'node:fs'
import { openOnFirst } from '#engine/inference/runtime.ts'
import { openModel } from '#engine/models/sources/openModel.ts'

const devices = [
  { provider: 'webgpu', reason: 'a graphics adapter is present' },
  { provider: 'cpu', reason: 'WebGPU did not start' },
] as const
const runtime = await openOnFirst(devices, await openModel(process.argv[2] ?? ''), { threads: 1 })
const logits = await runtime.newSession().append([1, 2, 3])
await runtime.dispose()
writeSync(1, JSON.stringify({ ...runtime.device, finite: logits.every(Number.isFinite) }))
process.exit(0)
