import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { listSupportedBackends } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { candidateDevices } from '#engine/inference/device.ts'
import { openRuntime } from '#engine/inference/runtime.ts'
import { runnableModel, STARTERS } from './runnableModel.ts'

describe('opening a runtime', () => {
  it('says where a model would run and why', () => {
    expect(candidateDevices('cpu')).toEqual([{ provider: 'cpu', reason: 'chosen' }])
    const automatic = candidateDevices()
    expect(automatic.at(-1)?.provider).toBe('cpu')
    expect(automatic.every(({ reason }) => reason.length > 0)).toBe(true)
    if (process.platform === 'linux' && !existsSync('/dev/dri') && !existsSync('/dev/nvidiactl')) {
      expect(automatic).toEqual([{ provider: 'cpu', reason: 'no graphics adapter found' }])
    }
  })

  it('refuses a device that this platform has not', () => {
    const missing = (['dml', 'coreml'] as const).filter(
      provider => !listSupportedBackends().some(({ name }) => name === provider),
    )
    expect(missing.length).toBeGreaterThan(0)
    for (const provider of missing) {
      expect(() => candidateDevices(provider)).toThrow(expect.objectContaining({ code: 'E_DEVICE' }))
    }
  })

  it('refuses a named device that does not start, in words, and lives on', async () => {
    const child = ['test/engine/inference/webgpuChild.ts', STARTERS[1]]
    // No driver to be found, whatever the machine has.
    const env = { ...process.env, VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' }
    if (process.platform !== 'linux') return
    const failed = promisify(execFile)(process.execPath, child, { env })
    await expect(failed).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("code: 'E_DEVICE'") })
  })

  it('refuses a graph or weights it cannot load', async () => {
    const model = await runnableModel(STARTERS[1])
    for (const graph of [
      { ...model.graph, externalFolder: '/nowhere' },
      { ...model.graph, onHost: () => model.graph.bytes.slice(0, 5000) },
    ]) {
      const opened = openRuntime({ ...model, graph }, { device: 'cpu' })
      await expect(opened).rejects.toMatchObject({ code: 'E_MODEL_WEIGHTS', details: { model: 'starter-mamba' } })
    }
  })

  it('ends after the run under way, and what follows is refused', async () => {
    const runtime = await openRuntime(await runnableModel(STARTERS[1]), { device: 'cpu', threads: 2 })
    using session = runtime.newSession()
    const reading = session.append(Array.from({ length: 300 }, (_, i) => i))
    await Promise.all([runtime.dispose(), expect(reading).rejects.toMatchObject({ code: 'E_CONFLICT' })])
    await expect(session.append([1])).rejects.toMatchObject({ code: 'E_CONFLICT' })
    await runtime.dispose()
  })
})
