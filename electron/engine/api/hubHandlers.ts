import { totalmem } from 'node:os'
import { join } from 'node:path'
import { ENGLISH } from '#shared/figures/createFigures.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import { MODEL_SHARE } from '../inference/freeMemory.ts'
import { stateBytes } from '../inference/stateBytes.ts'
import { CATALOGUE } from '../models/hub/catalogue.ts'
import { packagedFile } from '../models/hub/downloadPackaged.ts'
import { unfinishedDownloads } from '../models/hub/downloadQueue.ts'
import { parseHubModel } from '../models/hub/hubId.ts'
import type { EngineState } from './engineState.ts'
import type { FetchModel } from './fetchModel.ts'

type Owned = 'models.catalogue' | 'models.download' | 'models.unfinished'

export function hubHandlers(state: EngineState, fetchModel: FetchModel): Pick<Handlers, Owned> {
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
            parameters: ENGLISH.formatParameters(count),
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
    'models.download': fetchModel,
    'models.unfinished': async () => ({ downloads: await unfinishedDownloads(modelsFolder) }),
  }
}

/** Weights run as float32 unless they are converted: then a number takes little more than a byte, or half of one. */
function fits(parameters: number, memoryBytes: number): 'yes' | 'quantised' | 'no' {
  const room = memoryBytes * MODEL_SHARE
  if (parameters * 4 <= room) return 'yes'
  return parameters * 0.75 <= room ? 'quantised' : 'no'
}
