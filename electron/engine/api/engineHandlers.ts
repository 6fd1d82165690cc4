import { env } from 'onnxruntime-node'
import type { Handlers } from '#shared/rpc/contract.ts'
import { candidateDevices, defaultThreads } from '../inference/device.ts'
import type { EngineState } from './engineState.ts'

type Owned = 'engine.status' | 'settings.get' | 'settings.set'

export function engineHandlers(state: EngineState): Pick<Handlers, Owned> {
  return {
    'engine.status': async () => {
      const [device] = candidateDevices(state.settings.get().device)
      const { items, total } = await state.store.list({ limit: 1000 })
      return {
        version: state.version,
        device: device?.provider ?? 'cpu',
        deviceReason: device?.reason ?? '',
        runtime: `onnxruntime ${env.versions.node ?? env.versions.common}`,
        threads: defaultThreads(),
        loadedModels: [...state.models.loaded()],
        lastTokensPerSecond: state.recorder.lastTokensPerSecond(),
        rssBytes: process.memoryUsage.rss(),
        store: { folder: state.folders.store, packets: total, bytes: items.reduce((sum, item) => sum + item.bytes, 0) },
        receipts: state.receipts.count,
        startedAt: state.startedAt,
      }
    },
    'settings.get': async () => state.settings.get(),
    'settings.set': async change => {
      const before = state.settings.get()
      const after = state.settings.set(change)
      if (before.device !== after.device) await state.models.unload()
      state.emit('settings.changed', {})
      if (before.modelFolders.join('\n') !== after.modelFolders.join('\n')) state.emit('models.changed', {})
      return after
    },
  }
}
