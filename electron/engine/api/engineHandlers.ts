import { env } from 'onnxruntime-node'
import type { Handlers } from '#shared/rpc/contract.ts'
import { candidateDevices, defaultThreads, probeDevices } from '../inference/device.ts'
import { parseReference } from '../registry/reference.ts'
import { assertFolder } from './assertFolder.ts'
import type { EngineState } from './engineState.ts'

type Owned = 'engine.status' | 'settings.get' | 'settings.set'

export function engineHandlers(state: EngineState): Pick<Handlers, Owned> {
  return {
    'engine.status': async () => {
      const { packets, bytes } = await state.store.totals()
      const { device: chosen } = state.settings.get()
      const devices = probeDevices()
      // A device that was there when it was chosen: said here, refused by name where a model is to run on it.
      const problem = devices.find(({ id }) => id === chosen)?.problem ?? null
      const provider = problem === null ? state.models.provider() : chosen
      const planned = problem === null ? candidateDevices(chosen).find(device => device.provider === provider) : null
      return {
        version: state.version,
        device: provider,
        deviceReason: problem ?? planned?.reason ?? 'chosen when it was started',
        devices,
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
      if (change.device !== undefined) candidateDevices(change.device)
      for (const folder of change.modelFolders ?? []) if (!before.modelFolders.includes(folder)) assertFolder(folder)
      if (change.coldTier) parseReference(change.coldTier)
      const after = state.settings.set(change)
      if (before.device !== after.device) await state.models.unload()
      state.live.hot.budget = after.memory.hot
      state.live.warm.budget = after.memory.warm
      const counted = state.live.coldBudget.set(after.memory.cold)
      state.emit('settings.changed', {})
      if (before.modelFolders.join('\n') !== after.modelFolders.join('\n')) state.emit('models.changed', {})
      await counted
      return after
    },
  }
}
