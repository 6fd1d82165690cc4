import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GraphBuilder } from '#engine/models/compile/graphBuilder.ts'
import { hubHybridGraph } from '../../../model/hubHybrid.ts'
import { type SoftwareGpu, softwareGpu } from '../../inference/softwareGpu.ts'
import type { WebgpuReport } from '../../inference/webgpuChild.ts'

const VOCAB = 900
/** A software adapter compiles every shader anew: one export a run, all of them in the deep one. */
const MODELS = process.env.DEEP ? ['llama', 'genai-llama-fp32', 'hybrid'] : ['llama']
const run = promisify(execFile)

describe('exports on webgpu, on a software adapter', () => {
  let gpu: SoftwareGpu
  let root = ''
  beforeAll(async () => {
    gpu = await softwareGpu()
    root = await mkdtemp(join(tmpdir(), 'export-webgpu-'))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  async function write(name: string, graph: Uint8Array): Promise<string> {
    const folder = join(root, name)
    await mkdir(folder)
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: name, vocab_size: VOCAB }))
    await writeFile(join(folder, 'model.onnx'), graph)
    return folder
  }

  it.for(MODELS)('%s computes like the processor and moves its states', async name => {
    if ('missing' in gpu) return
    const folder =
      name === 'hybrid'
        ? await write(
            name,
            hubHybridGraph({ layers: [['conv', 'ssm', 'fused-attention'], ['attention']], vocab: VOCAB }),
          )
        : resolve('test/golden/onnx', name)
    const { stdout } = await run(process.execPath, ['test/engine/inference/webgpuChild.ts', folder], { env: gpu.env })
    const report = JSON.parse(stdout) as WebgpuReport
    expect(report.provider).toBe('webgpu')
    expect(report.logits).toBeLessThan(1e-3)
    expect(report.state).toBeLessThan(2e-3)
    expect(report.greedy.webgpu).toEqual(report.greedy.cpu)
    expect(report.moved).toEqual({ toWebgpu: report.greedy.cpu, toCpu: report.greedy.cpu })
    expect([report.restored, report.forked]).toEqual([0, 0])
  })

  it('an operator that fails on the adapter sends the model to the processor, and says so', async context => {
    if ('missing' in gpu) return context.skip(gpu.missing)
    // ONNX Runtime 1.30 has no webgpu kernel for a Pow of these shapes, and finds out only when it runs.
    const graph = new GraphBuilder()
    const table = graph.table(
      'table',
      [VOCAB, 4],
      Float32Array.from({ length: VOCAB * 4 }, (_, i) => Math.sin(i) + 2),
    )
    const x = graph.op('Gather', [table, graph.input('input_ids', 'int64', ['b', 't'])])
    const past = graph.input('past_ssm.0', 'float32', ['b', 1, 4])
    const sum = graph.op('Add', [graph.op('CumSum', [x, graph.int64(1)]), past])
    graph.op('Slice', [sum, graph.int64([-1]), graph.int64([1000]), graph.int64([1])], {}, 'present_ssm.0')
    graph.output('present_ssm.0', 'float32', ['b', 1, 4])
    const bases = graph.table('bases', [2, 1, 1], Float32Array.of(0.5, 0.6))
    const powers = graph.op('ReduceSum', [graph.op('Pow', [bases, sum]), graph.int64([0])], { keepdims: 1 })
    graph.op('MatMul', [graph.op('Add', [sum, powers]), graph.op('Transpose', [table], { perm: [1, 0] })], {}, 'logits')
    graph.output('logits', 'float32', ['b', 't', VOCAB])
    const folder = await write('pow', graph.encode('pow'))
    const { stdout } = await run(process.execPath, ['test/engine/models/exports/fallbackChild.ts', folder], {
      env: gpu.env,
    })
    expect(JSON.parse(stdout)).toEqual({ provider: 'cpu', reason: expect.stringMatching(/WebGPU.*Pow/), finite: true })
  })
})
