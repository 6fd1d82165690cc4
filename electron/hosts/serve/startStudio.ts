/** The Studio without Electron: an engine process and the loopback host in front of it. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { logCrashes } from '#engine/logging/logCrashes.ts'
import { openLog } from '#engine/logging/openLog.ts'
import type { Settings } from '#shared/rpc/methods/engine.ts'
import { chooseDevice } from '../chooseDevice.ts'
import { forkEngine } from '../engineProcess/engineChild.ts'
import { logEngineState } from '../engineProcess/logEngineState.ts'
import { type Supervisor, superviseEngine } from '../engineProcess/supervisor.ts'
import { chooseFolders, type FolderChoices, packageFolder } from '../folders.ts'
import { type LoopbackServer, startLoopbackServer } from '../loopback/loopbackServer.ts'
import { loadPageAssets } from '../loopback/pageAssets.ts'

export interface StudioOptions extends FolderChoices {
  /** 0, the default, picks a free one. */
  readonly port?: number
  readonly device?: Settings['device']
  readonly threads?: number
}

export interface Studio {
  readonly server: LoopbackServer
  readonly supervisor: Supervisor
  close(): Promise<void>
}

/** The engine's entry beside this file: the built one in a build, the source when run from source. */
export function engineEntry(): string {
  const built = join(import.meta.dirname, 'engine.js')
  return existsSync(built) ? built : join(dirname(import.meta.dirname), 'engineProcess', 'main.ts')
}

/** Resolves when the address answers; the engine may still be starting, and says so to the window. */
export async function startStudio(options: StudioOptions = {}): Promise<Studio> {
  const { device = chooseDevice(), threads, port } = options
  const folders = chooseFolders(options)
  const supervisor = superviseEngine({
    start: () => forkEngine(engineEntry()),
    engine: { ...folders, device, threads },
  })
  const log = openLog(join(folders.dataFolder, 'logs'), 'studio')
  logCrashes(log)
  logEngineState(supervisor, log)
  try {
    const assets = await loadPageAssets(join(packageFolder(), 'out', 'renderer'))
    const server = await startLoopbackServer({ transport: supervisor, health: () => supervisor.health(), assets, port })
    return {
      server,
      supervisor,
      close: async () => {
        await server.close()
        await supervisor.dispose()
      },
    }
  } catch (thrown) {
    await supervisor.dispose()
    throw thrown
  }
}
