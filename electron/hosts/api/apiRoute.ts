import type { z } from 'zod'
import type { ErrorValue } from '#shared/domain/error.ts'
import type { CallPart } from '#shared/domain/tool.ts'
import type { Client, StreamOptions } from '#shared/rpc/client.ts'
import type { Reuse } from '#shared/rpc/methods/views.ts'

/** What a server-sent stream says: `data` is written as JSON, or as it is when it is a text. */
export interface ServerEvent {
  readonly event?: string
  readonly data: unknown
}

/** An answer that comes piece by piece. What it throws before its first event becomes the status of the response. */
export interface ServerEvents {
  readonly events: (send: (event: ServerEvent) => void) => Promise<void>
  /** How a failure in mid-stream is told. */
  readonly failed: (error: ErrorValue) => ServerEvent
}

/** Takes a piece of a generation; `of`: it belongs to the call of a tool. */
export type OnPiece = (piece: string, of?: CallPart) => void

/** What a route works with. */
export interface ApiCall {
  readonly client: Client
  readonly signal: AbortSignal
  /** The same with a listener for the pieces of a generation. */
  readonly options: (onPiece?: OnPiece) => StreamOptions<'packets.infer'>
  /** Counts what an inference has read and spared. */
  readonly count: CountTokens
}

/** Tokens of a request's prompt, those of it that were not read again, and why not more of them; tokens of its answer. */
export interface TokensRead extends Partial<Reuse> {
  readonly prompt: number
  readonly cached: number
  readonly generated: number
}

export type CountTokens = (tokens: TokensRead) => void

/** With a body: `post`. */
export const METHODS = ['get', 'post', 'delete'] as const
type Method = (typeof METHODS)[number]

/** One route: the schemas are what is checked and what `/openapi.json` says. */
export interface ApiRoute<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  readonly method: Method
  /** Parameters in braces, as OpenAPI writes them; they are fields of the input. */
  readonly path: string
  readonly summary: string
  readonly input: I
  readonly output: O
  /** The fields of what has no body that are not in the path come in the query. */
  readonly query?: boolean
  /** With `stream: true` it answers by server-sent events: what each may be, an object or a union of objects with `event` and `data`. */
  readonly event?: z.ZodType
  /** It answers a text of this media type instead of JSON. */
  readonly text?: string
  /** Asked by what watches the server, over and over: not noted as a request of a program. */
  readonly isWatching?: boolean
  answer(input: z.output<I>, call: ApiCall): Promise<z.input<O> | ServerEvents>
}

export function apiRoute<I extends z.ZodType, const O extends z.ZodType>(route: ApiRoute<I, O>): ApiRoute {
  // Input reaches `answer` only through its own schema.
  return route as unknown as ApiRoute
}

export function isEvents(answer: unknown): answer is ServerEvents {
  return typeof answer === 'object' && answer !== null && 'events' in answer && typeof answer.events === 'function'
}
