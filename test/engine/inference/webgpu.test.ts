import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { STARTERS } from './runnableModel.ts'
import { type SoftwareGpu, softwareGpu } from './softwareGpu.ts'
import type { WebgpuReport } from './webgpuChild.ts'

/** In a child process: native graphics code can take a process down, and the loader's settings are read at its start. */
describe('webgpu, on a software adapter', () => {
  let gpu: SoftwareGpu
  beforeAll(async () => {
    gpu = await softwareGpu()
  })

  // Of the hybrids the one with the most: a delta rule, and heads that are rotated in part.
  for (const folder of [...STARTERS, 'test/golden/qwen3.5', ...(process.env.DEEP ? ['test/golden/falcon-h1'] : [])]) {
    it(`computes ${folder} like the processor, and moves states between the two`, async context => {
      if ('missing' in gpu) return context.skip(gpu.missing)
      const child = ['test/engine/inference/webgpuChild.ts', folder]
      const { stdout } = await promisify(execFile)(process.execPath, child, { env: gpu.env })
      const report = JSON.parse(stdout) as WebgpuReport
      expect(report.provider).toBe('webgpu')
      expect(report.greedy.webgpu).toEqual(report.greedy.cpu)
      expect(report.logits).toBeLessThan(1e-3)
      expect(report.state).toBeLessThan(2e-3)
      expect(report.moved).toEqual({ toWebgpu: report.greedy.cpu, toCpu: report.greedy.cpu })
      expect([report.restored, report.forked]).toEqual([0, 0])
      expect(report.position).toBe(30)
    })
  }
})
