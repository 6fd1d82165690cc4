import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { listSupportedBackends } from 'onnxruntime-node'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'

export type Provider = 'cpu' | 'webgpu' | 'dml' | 'coreml' | 'cuda'
export type DeviceChoice = 'auto' | Provider

/** Where a model runs and why there. */
export interface Device {
  readonly provider: Provider
  readonly reason: string
}

/**
 * The order in which devices are tried. A named device is tried alone, so that failing is an error the user sees;
 * `auto` takes WebGPU where a graphics adapter is present and falls back to the processor.
 */
export function candidateDevices(choice: DeviceChoice = 'auto'): Device[] {
  if (choice !== 'auto') {
    if (!isSupported(choice)) {
      throw new StatePackError(
        'E_DEVICE',
        `This build of ONNX Runtime has no ${choice} support on ${process.platform}.`,
        {
          device: choice,
        },
      )
    }
    if (choice === 'webgpu' && !hasGraphicsAdapter() && !hasNamedDriver()) throw noAdapter()
    return [{ provider: choice, reason: 'chosen' }]
  }
  if (!isSupported('webgpu')) return [{ provider: 'cpu', reason: 'this platform has no WebGPU support' }]
  if (!hasGraphicsAdapter()) return [{ provider: 'cpu', reason: 'no graphics adapter found' }]
  return [
    { provider: 'webgpu', reason: 'a graphics adapter is present' },
    { provider: 'cpu', reason: 'WebGPU did not start' },
  ]
}

const noAdapter = () =>
  new StatePackError('E_DEVICE', 'There is no graphics adapter on this machine for WebGPU to run on.', {
    device: 'webgpu',
  })

/** The devices a person may choose, each looked for; `problem` is why one cannot be. */
export function probeDevices(): { readonly id: 'cpu' | 'webgpu'; readonly problem: string | null }[] {
  return (['cpu', 'webgpu'] as const).map(id => {
    try {
      candidateDevices(id)
      return { id, problem: null }
    } catch (thrown) {
      return { id, problem: toStatePackError(thrown).message }
    }
  })
}

/** Threads used when nobody chose: one a logical core, at most eight (more rarely helps a memory-bound model). */
export function defaultThreads(): number {
  return Math.min(8, availableParallelism())
}

function isSupported(provider: Provider): boolean {
  return provider === 'cpu' || listSupportedBackends().some(backend => backend.name === provider)
}

/** A Vulkan driver that the environment names needs no device of the system's: it may be software. */
function hasNamedDriver(): boolean {
  return [process.env.VK_DRIVER_FILES, process.env.VK_ICD_FILENAMES].some(files => files !== undefined && files !== '')
}

/** Asked before WebGPU is touched: on a machine without any adapter its start-up can take the process down. */
function hasGraphicsAdapter(): boolean {
  if (process.platform !== 'linux') return true
  if (existsSync('/dev/nvidiactl')) return true
  return existsSync('/dev/dri') && readdirSync('/dev/dri').some(name => name.startsWith('renderD'))
}
