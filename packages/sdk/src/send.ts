import type { RequestOptions } from './statePack.ts'

/** Answers one request of the HTTP API, over whatever way there is. Throws `StatePackError`. */
export type Send = (path: string, body: object | undefined, options: RequestOptions) => Promise<unknown>
