import { z } from 'zod'
import { VERSION } from '#engine/version.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Client } from '#shared/rpc/client.ts'
import { count } from '#shared/rpc/methods/views.ts'
import type { EngineHealth } from '../../engineProcess/supervisor.ts'
import type { ApiMetrics } from '../apiMetrics.ts'
import { type ApiRoute, apiRoute } from '../apiRoute.ts'
import { documentSchema, openApiDocument } from '../openApiDocument.ts'
import type { StateCounts } from '../stateCounts.ts'
import { chatCompletions } from './chatCompletions.ts'
import { completions } from './completions.ts'
import { countTokens } from './countTokens.ts'
import { inferRoute } from './infer.ts'
import { keptResponseRoutes } from './keptResponses.ts'
import { messages } from './messages.ts'
import { offerRoutes } from './offers.ts'
import { responsesRoute } from './responses.ts'
import { stateRoutes } from './states.ts'
import { suggestRoute } from './suggest.ts'

const modelSchema = z.strictObject({ id: z.string(), object: z.literal('model'), created: count, owned_by: z.string() })

/** Every route there is. What `host` tells is known here: the engine is not asked. */
export function apiRoutes(host: {
  readonly health: () => EngineHealth
  readonly counts: () => StateCounts
  /** Null where no server counts. */
  readonly metrics: Pick<ApiMetrics, 'contentType' | 'text'> | null
}): readonly ApiRoute[] {
  const health = apiRoute({
    method: 'get',
    path: '/health',
    isWatching: true,
    summary: 'Whether the server answers, and how much it has to do.',
    input: z.strictObject({}),
    output: z.strictObject({
      status: z.enum(['ok', 'starting', 'failed']),
      version: z.string(),
      /** States with something in memory, and states on disk. */
      states_hot: count,
      states_cached: count,
      requests_running: count,
      /** Length of the queue, and how long it may get: one more is answered 429. Null where there is no queue. */
      requests_waiting: count,
      requests_waiting_limit: count.nullable(),
      engine_restarts: count,
    }),
    async answer() {
      const { state, inFlight, waiting, maxWaiting, restarts } = host.health()
      const { hot, cached } = host.counts()
      return {
        status: state === 'ready' ? ('ok' as const) : state === 'failed' ? ('failed' as const) : ('starting' as const),
        version: VERSION,
        ...{ states_hot: hot, states_cached: cached },
        ...{ requests_running: inFlight, requests_waiting: waiting, requests_waiting_limit: maxWaiting },
        engine_restarts: restarts,
      }
    },
  })
  const model = apiRoute({
    method: 'get',
    path: '/v1/models/{model}',
    summary: 'One of them.',
    input: z.strictObject({ model: z.string().min(1).max(300) }),
    output: modelSchema,
    async answer({ model }, { client, signal }) {
      const found = (await readyModels(client, signal)).find(({ id }) => id === model)
      if (found !== undefined) return found
      throw new StatePackError('E_UNKNOWN_MODEL', `There is no model "${model}" here.`, { model })
    },
  })
  const models = apiRoute({
    method: 'get',
    path: '/v1/models',
    summary: 'The models that can be asked, as OpenAI lists them.',
    input: z.strictObject({}),
    output: z.strictObject({
      object: z.literal('list'),
      data: z.array(modelSchema),
    }),
    async answer(_, { client, signal }) {
      return { object: 'list' as const, data: await readyModels(client, signal) }
    },
  })
  const document = apiRoute({
    method: 'get',
    path: '/openapi.json',
    isWatching: true,
    summary: 'This document.',
    input: z.strictObject({}),
    output: documentSchema,
    answer: async () => openApi,
  })
  const routes = [
    health,
    ...(host.metrics === null ? [] : [metricsRoute(host.metrics)]),
    document,
    models,
    model,
    ...stateRoutes,
    ...offerRoutes,
    suggestRoute,
    inferRoute,
    completions,
    chatCompletions,
    responsesRoute(),
    ...keptResponseRoutes,
    messages,
    countTokens,
  ]
  const openApi = openApiDocument(routes)
  return routes
}

/** The models that can be asked, as OpenAI describes one. */
async function readyModels(client: Client, signal: AbortSignal): Promise<z.output<typeof modelSchema>[]> {
  const { models } = await client.call('models.list', {}, { signal })
  return models
    .filter(({ status }) => status === 'ready')
    .map(({ id, architecture }) => ({ id, object: 'model', created: 0, owned_by: architecture }))
}

function metricsRoute({ contentType, text }: Pick<ApiMetrics, 'contentType' | 'text'>): ApiRoute {
  return apiRoute({
    method: 'get',
    path: '/metrics',
    isWatching: true,
    summary: 'Counts and latencies, as Prometheus reads them.',
    input: z.strictObject({}),
    output: z.string(),
    text: contentType,
    answer: text,
  })
}
