/** The engine of this machine in a process of its own, for whoever listens. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { logCrashes } from '#engine/logging/logCrashes.ts'
import { openLog } from '#engine/logging/openLog.ts'
import type { Settings } from '#shared/rpc/methods/engine.ts'
import { chooseDevice } from '../chooseDevice.ts'
import { forkEngine } from '../engineProcess/engineChild.ts'
import { logEngineState } from '../engineProcess/logEngineState.ts'
import type { EngineOptions } from '../engineProcess/messages.ts'
import { type Supervisor, type SupervisorOptions, superviseEngine } from '../engineProcess/supervisor.ts'
import { chooseFolders, type FolderChoices } from '../folders.ts'

export interface HereOptions
  extends FolderChoices,
    Pick<SupervisorOptions, 'maxWaiting'>,
    Pick<EngineOptions, 'coldTier'> {
  readonly device?: Settings['device'] | undefined
  readonly threads?: number
}

/** `log`: the name of the file that says how the engine fares. */
export function superviseHere(options: HereOptions, log: string): Supervisor {
  const { device = chooseDevice(), threads, maxWaiting, coldTier } = options
  const folders = chooseFolders(options)
  const supervisor = superviseEngine({
    start: () => forkEngine(engineEntry()),
    engine: { ...folders, device, threads, coldTier },
    maxWaiting,
  })
  const file = openLog(join(folders.dataFolder, 'logs'), log)
  logCrashes(file)
  logEngineState(supervisor, file)
  return supervisor
}

/** The engine's entry beside this file: the built one in a build, the source when run from source. */
function engineEntry(): string {
  const built = join(import.meta.dirname, 'engine.js')
  return existsSync(built) ? built : join(dirname(import.meta.dirname), 'engineProcess', 'main.ts')
}
