import { InferenceSession, type Tensor } from 'onnxruntime-node'
import { encodeModel, ONNX_TYPE } from '#engine/models/compile/onnxProto.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Provider } from './device.ts'
import type { RunQueue } from './runQueue.ts'

export interface DeviceDownload {
  /** The numbers of a float32 tensor, wherever it lies. Host tensors are not copied. */
  toHost(tensor: Tensor): Promise<Float32Array>
  dispose(): Promise<void>
}

/**
 * Reads device tensors by running an Identity graph whose output lies on the host: `getData()` of onnxruntime-node 1.30
 * aborts the process on WebGPU.
 */
export function createDownload(provider: Provider, enqueue: RunQueue): DeviceDownload {
  const identities = new Map<number, Promise<InferenceSession>>()

  async function toHost(tensor: Tensor): Promise<Float32Array> {
    if (tensor.location === 'cpu') return floats(tensor)
    const session = await identity(tensor.dims.length)
    const { out } = await enqueue(() => session.run({ in: tensor }))
    if (out === undefined) throw new StatePackError('E_DEVICE', 'The device returned no data.')
    return floats(out)
  }

  function identity(rank: number): Promise<InferenceSession> {
    const known = identities.get(rank)
    if (known !== undefined) return known
    const providers = { executionProviders: [provider, 'cpu'], logSeverityLevel: 3 } as const
    const made = InferenceSession.create(identityGraph(rank), providers)
    identities.set(rank, made)
    return made
  }

  return {
    toHost,
    dispose: async () => {
      for (const session of identities.values()) await (await session).release()
      identities.clear()
    },
  }
}

function floats(tensor: Tensor): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data
  throw new StatePackError('E_INFERENCE', `Expected float32 numbers, found ${tensor.type}.`)
}

/** in -> Identity -> out, float32 of any shape of this rank. */
function identityGraph(rank: number): Uint8Array {
  const dim = Array.from({ length: rank }, (_, i) => ({ dimParam: `d${i}` }))
  const value = (name: string) => ({
    name,
    type: { tensorType: { elemType: ONNX_TYPE.float32, shape: { dim } } },
  })
  return encodeModel({
    irVersion: 10,
    producerName: 'state-pack-studio',
    opsetImport: [{ domain: '', version: 21 }],
    graph: {
      name: 'identity',
      node: [{ name: 'identity', opType: 'Identity', domain: '', input: ['in'], output: ['out'], attribute: [] }],
      initializer: [],
      input: [value('in')],
      output: [value('out')],
    },
  })
}
