/** The Studio without Electron: an engine process and the loopback host in front of it. */
import { join } from 'node:path'
import { createStudioApi } from '../api/studioApi.ts'
import type { Supervisor } from '../engineProcess/supervisor.ts'
import { chooseFolders, packageFolder } from '../folders.ts'
import { type LoopbackServer, startLoopbackServer } from '../loopback/loopbackServer.ts'
import { loadPageAssets } from '../loopback/pageAssets.ts'
import { type HereOptions, superviseHere } from './superviseHere.ts'

export interface StudioOptions extends HereOptions {
  /** 0, the default, picks a free one. */
  readonly port?: number
}

export interface Studio {
  readonly server: LoopbackServer
  readonly supervisor: Supervisor
  close(): Promise<void>
}

/** Resolves when the address answers; the engine may still be starting, and says so to the window. */
export async function startStudio(options: StudioOptions = {}): Promise<Studio> {
  const { port } = options
  const supervisor = superviseHere(options, 'studio')
  const api = createStudioApi(supervisor, chooseFolders(options).dataFolder)
  try {
    const assets = await loadPageAssets(join(packageFolder(), 'out', 'renderer'))
    const { transport } = api
    const server = await startLoopbackServer({ transport, health: () => supervisor.health(), assets, port })
    return {
      server,
      supervisor,
      close: async () => {
        await server.close()
        await api.close()
        await supervisor.dispose()
      },
    }
  } catch (thrown) {
    await supervisor.dispose()
    throw thrown
  }
}
