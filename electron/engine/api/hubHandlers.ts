import { join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import { stateBytes } from '../inference/stateBytes.ts'
import { CATALOGUE } from '../models/hub/catalogue.ts'
import { createDownloadQueue, unfinishedDownloads } from '../models/hub/downloadQueue.ts'
import { parseHubModel } from '../models/hub/hubId.ts'
import type { EngineState } from './engineState.ts'
import { modelView } from './modelView.ts'

type Owned = 'models.catalogue' | 'models.download' | 'models.unfinished'

const parameters = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 })

/** `token` is for the configured hub alone. */
export function hubHandlers(state: EngineState, token?: string): Pick<Handlers, Owned> {
  const queue = createDownloadQueue()
  const modelsFolder = join(state.folders.data, 'models')
  return {
    'models.catalogue': async () => {
      const installed = new Set(state.models.entries().map(entry => entry.folder))
      return {
        entries: CATALOGUE.map(({ geometry, parameters: count, ...model }) => {
          const { folderName } = parseHubModel(model.hubId)
          const { perToken, fixed } = stateBytes(geometry)
          return {
            ...model,
            id: folderName,
            parameters: parameters.format(count),
            stateBytesPerToken: perToken,
            stateBytesFixed: fixed,
            installed: installed.has(join(modelsFolder, folderName)),
          }
        }),
        endpoint: state.settings.get().hubEndpoint,
      }
    },
    'models.download': async ({ hubId, revision }, { signal, progress }) => {
      const folder = await queue.run(parseHubModel(hubId, revision), {
        endpoint: state.settings.get().hubEndpoint,
        ...{ token, modelsFolder, signal, progress },
      })
      const entry = state.models.entries().find(candidate => candidate.folder === folder)
      if (entry === undefined) throw new StatePackError('E_UNKNOWN_MODEL', `${hubId} was removed again.`, { hubId })
      await state.models.open(entry.id, signal, progress)
      state.emit('models.changed', {})
      return modelView(state.models, { entry, downloaded: true, prefillTokensPerSecond: null })
    },
    'models.unfinished': async () => ({ downloads: await unfinishedDownloads(modelsFolder) }),
  }
}
