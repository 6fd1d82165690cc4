import { type ApiOptions, type ApiServer, startApiServer } from '../api/apiServer.ts'
import { type HereOptions, superviseHere } from './superviseHere.ts'

/** An engine process and the HTTP API in front of it. Resolves when the address answers; throws when it cannot be had. */
export async function startApi(
  options: HereOptions & Omit<ApiOptions, 'transport' | 'health'>,
): Promise<Pick<ApiServer, 'address' | 'token' | 'close'>> {
  const supervisor = superviseHere(options, 'server')
  try {
    const server = await startApiServer({ ...options, transport: supervisor, health: () => supervisor.health() })
    return {
      ...server,
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
