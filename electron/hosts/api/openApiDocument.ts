import { z } from 'zod'
import { VERSION } from '#engine/version.ts'
import { isOpen } from './apiGate.ts'
import type { ApiRoute } from './apiRoute.ts'

export const errorSchema = z.strictObject({
  error: z.strictObject({
    /** From the closed table of codes. */
    code: z.string(),
    message: z.string(),
    /** The same as `code`, where clients of other servers look for it. */
    type: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  }),
})

/** What a client of any kind finds in the document. */
export const documentSchema = z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) })

/** The OpenAPI 3.1 document of the routes, made from the schemas that check them. */
export function openApiDocument(routes: readonly ApiRoute[]): z.output<typeof documentSchema> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) }
  return {
    openapi: '3.1.0',
    info: { title: 'State Pack Studio', version: VERSION },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
  }
}

function operationOf(route: ApiRoute): Record<string, unknown> {
  const { method, path, summary, input, output, query, streams, text } = route
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
    ...(method === 'get' ? {} : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      200: {
        description: 'The answer.',
        content: streams ? { ...answer, 'text/event-stream': { schema: { type: 'string' } } } : answer,
      },
      default: {
        description: 'A failure.',
        content: { 'application/json': { schema: jsonSchema(errorSchema, 'output') } },
      },
    },
  }
}

interface Fields {
  readonly properties?: Record<string, unknown>
  readonly required?: readonly string[]
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
