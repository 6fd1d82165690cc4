/** The HTTP API that the Studio offers to programs: it runs in the host, beside the engine, and is started and stopped there. */
import { z } from 'zod'
import { method } from '../method.ts'
import { count } from './views.ts'

const requestSchema = z.strictObject({
  id: count,
  /** When it was begun, ISO 8601. */
  at: z.string(),
  /** `POST /v1/responses`. */
  route: z.string(),
  /** It was not let in: without the token, from a foreign page, too large. */
  wasRefused: z.boolean(),
  /** HTTP status; null while it runs. */
  status: count.nullable(),
  /** Why it failed, also in the middle of a streamed answer; null when it did not. */
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  /** From its head to the end of its answer; null while it runs, and where it was not let in. */
  seconds: z.number().nullable(),
  /** Of the prompt: all of it, and what was not read again. Null for requests that read nothing. */
  tokens: z.strictObject({ prompt: count, spared: count, generated: count }).nullable(),
  /** The state it went on from. */
  reused: z.string().nullable(),
  /** Why no more was spared: with the first token that differs, and where it is. */
  missed: z.string().nullable(),
})
export type ServerRequest = z.infer<typeof requestSchema>

const serverStatusSchema = z.strictObject({
  /** Null while it is stopped. */
  address: z.string().nullable(),
  /** Where it answers, or will. */
  port: z.number().int().min(1).max(65535),
  /** Whether other machines reach it. */
  network: z.boolean(),
  /** What callers send. */
  token: z.string(),
  /** The file of the command line, for programs that start it themselves; null where the app was installed without one. */
  cli: z.string().nullable(),
  /** Since it was started. */
  requests: count,
  /** Not let in; not among `requests`. Only the last of them are in `log`. */
  refused: count,
  running: count,
  /** Callers of the last minute, by what they say they are. */
  agents: count,
  tokens: z.strictObject({ prompt: count, spared: count, generated: count }),
  /** Seconds of the last requests that were answered, as far as they are kept; null before the first. */
  latency: z.strictObject({ p50: z.number(), p99: z.number() }).nullable(),
  /** Newest first. */
  log: z.array(requestSchema),
})
export type ServerStatus = z.infer<typeof serverStatusSchema>

export const serverMethods = {
  'server.status': method(z.strictObject({}), serverStatusSchema),
  /** Throws `E_CONFLICT` when the port is taken. */
  'server.start': method(
    z.strictObject({ port: z.number().int().min(1).max(65535).optional(), network: z.boolean().optional() }),
    serverStatusSchema,
  ),
  /** Lets running answers end. */
  'server.stop': method(z.strictObject({}), serverStatusSchema),
  /** A new token; the old one is refused from then on. */
  'server.rotateToken': method(z.strictObject({}), serverStatusSchema),
} as const
