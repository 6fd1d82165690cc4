import { join } from 'node:path'
import { createEngine } from '../../../electron/engine/createEngine.ts'
import { openLog } from '../../../electron/engine/logging/openLog.ts'
import { apiCall } from '../../../electron/hosts/api/apiCall.ts'
import { type ApiRoute, isEvents } from '../../../electron/hosts/api/apiRoute.ts'
import { noRoute, routeAt } from '../../../electron/hosts/api/routeAt.ts'
import { apiRoutes } from '../../../electron/hosts/api/routes/apiRoutes.ts'
import { stateCounts } from '../../../electron/hosts/api/stateCounts.ts'
import { dispatch } from '../../../electron/hosts/dispatch/dispatch.ts'
import { fieldProblem } from '../../../electron/hosts/dispatch/fieldProblem.ts'
import { createInProcessTransport } from '../../../electron/hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '../../../electron/hosts/eventHub.ts'
import { chooseFolders } from '../../../electron/hosts/folders.ts'
import { toStatePackError } from '../../../shared/domain/error.ts'
import { createClient } from '../../../shared/rpc/client.ts'
import { createStatePack } from './createStatePack.ts'
import type { EngineOptions } from './engineOptions.ts'
import type { Send } from './send.ts'
import type { StatePack } from './statePack.ts'

/** An engine in this very process, behind the routes of the HTTP API. Close it: it holds the store. */
export async function openEngine({ store, models, device, threads }: EngineOptions = {}): Promise<StatePack> {
  const folders = chooseFolders({ store, models })
  const hub = createEventHub()
  const log = openLog(join(folders.dataFolder, 'logs'), 'sdk')
  const engine = await createEngine({ ...folders, device, threads, starters: false, onEvent: hub.emit, log })
  const client = createClient(createInProcessTransport(dispatch(engine.handlers, log), hub))
  const idle = { inFlight: 0, waiting: 0, maxWaiting: null, restarts: 0 }
  const health = () => ({ state: 'ready' as const, reason: null, ...idle })
  const routes = apiRoutes({ health, counts: stateCounts(client), metrics: null })
  const send: Send = async (path, body, { signal = new AbortController().signal, onEvent }) => {
    const { route, fields } = found(routes, { path, body })
    const input = route.input.safeParse(fields)
    if (!input.success) throw fieldProblem('E_BAD_INPUT', route.path, input.error)
    try {
      const given = await route.answer(input.data, apiCall(client, { signal, count: () => {} }))
      if (!isEvents(given)) return route.output.parse(given)
      await given.events(event => onEvent?.(event))
    } catch (thrown) {
      throw toStatePackError(thrown)
    }
  }
  return createStatePack(send, () => engine.dispose())
}

/** The route of a path, and what is sent to it: as the HTTP server puts it together from path, query and body. */
function found(routes: readonly ApiRoute[], { path, body }: { path: string; body: object | undefined }) {
  const url = new URL(path, 'http://here')
  const method = body === undefined ? 'get' : 'post'
  const at = routeAt(routes, { method, path: url.pathname })
  if (at === null) throw noRoute(routes, { method, path: url.pathname })
  const inPath = Object.entries(at.inPath).map(([name, value]) => [name, decodeURIComponent(value)])
  const sent = body ?? (at.route.query ? Object.fromEntries(url.searchParams) : {})
  return { route: at.route, fields: { ...sent, ...Object.fromEntries(inPath) } }
}
