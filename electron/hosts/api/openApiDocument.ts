import { z } from 'zod'
import { VERSION } from '#engine/version.ts'
import { isOpen } from './apiGate.ts'
import type { ApiRoute } from './apiRoute.ts'
import { errorSchema } from './errorResponse.ts'

/** What a client of any kind finds in the document. */
export const documentSchema = z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) })

/** The OpenAPI 3.2 document of the routes, made from the schemas that check them. */
export function openApiDocument(routes: readonly ApiRoute[]): z.output<typeof documentSchema> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) }
  return {
    openapi: '3.2.0',
    info: { title: 'State Pack Studio', version: VERSION },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
  }
}

function operationOf(route: ApiRoute): Record<string, unknown> {
  const { method, path, summary, input, output, query, event, text } = route
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const { properties = {}, required = [], ...fields } = jsonSchema(input, 'input') as Fields
  const sent = Object.fromEntries(Object.entries(properties).filter(([name]) => !inPath.includes(name)))
  const parameters = [
    ...inPath.map(name => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...(query ? Object.entries(sent).map(([name, schema]) => ({ name, in: 'query', schema })) : []),
  ]
  const body = { ...fields, properties: sent, required: required.filter(name => !inPath.includes(name)) }
  const [mediaType = 'application/json'] = (text ?? '').split(';').filter(type => type !== '')
  const answer = { [mediaType]: { schema: jsonSchema(output, 'output') } }
  return {
    summary,
    ...(isOpen(method, path) ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(method !== 'post'
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      200: {
        description: 'The answer.',
        content: event === undefined ? answer : { ...answer, 'text/event-stream': { itemSchema: eventSchema(event) } },
      },
      default: {
        description: 'A failure.',
        content: { 'application/json': { schema: jsonSchema(errorSchema, 'output') } },
      },
    },
  }
}

/** A server-sent event as OpenAPI sees it: its `data` is a text, which holds JSON but where a text itself is meant. */
function eventSchema(event: z.ZodType): Record<string, unknown> {
  const {
    oneOf,
    anyOf = oneOf,
    ...alone
  } = jsonSchema(event, 'output') as { oneOf?: Fields[]; anyOf?: Fields[] } & Fields
  const kinds = (anyOf ?? [alone]).map(({ properties: { data, ...name } = {}, ...kind }) => {
    const isText = typeof data === 'object' && data !== null && 'type' in data && data.type === 'string'
    const told = isText ? data : { type: 'string', contentMediaType: 'application/json', contentSchema: data }
    return { ...kind, properties: { ...name, data: told } }
  })
  return { anyOf: kinds }
}

interface Fields {
  readonly properties?: Record<string, unknown>
  readonly required?: readonly string[]
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
