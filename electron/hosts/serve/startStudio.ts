/** The Studio without Electron: an engine process and the loopback host in front of it. */
import { join } from 'node:path'
import type { Supervisor } from '../engineProcess/supervisor.ts'
import { packageFolder } from '../folders.ts'
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
