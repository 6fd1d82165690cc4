import { env } from 'onnxruntime-node'
import type { Handlers } from '#shared/rpc/contract.ts'
import { candidateDevices, defaultThreads } from '../inference/device.ts'
import type { EngineState } from './engineState.ts'

type Owned = 'engine.status' | 'settings.get' | 'settings.set'

export function engineHandlers(state: EngineState): Pick<Handlers, Owned> {
  return {
    'engine.status': async () => {
      const { packets, bytes } = await state.store.totals()
      const provider = state.models.provider()
      const planned = candidateDevices(state.settings.get().device).find(device => device.provider === provider)
      return {
        version: state.version,
        device: provider,
        deviceReason: planned?.reason ?? 'chosen when it was started',
        runtime: `onnxruntime ${env.versions.node ?? env.versions.common}`,
        threads: defaultThreads(),
        loadedModels: [...state.models.loaded()],
        lastTokensPerSecond: state.recorder.lastTokensPerSecond(),
        rssBytes: process.memoryUsage.rss(),
        store: { folder: state.folders.store, packets, bytes, readOnly: state.store.readOnly },
        receipts: state.receipts.count,
        startedAt: state.startedAt,
      }
    },
    'settings.get': async () => state.settings.get(),
    'settings.set': async change => {
      const before = state.settings.get()
      const after = state.settings.set(change)
      if (before.device !== after.device) await state.models.unload()
      state.live.hot.budget = after.memory.hot
      state.live.warm.budget = after.memory.warm
      state.emit('settings.changed', {})
      if (before.modelFolders.join('\n') !== after.modelFolders.join('\n')) state.emit('models.changed', {})
      return after
    },
  }
}
