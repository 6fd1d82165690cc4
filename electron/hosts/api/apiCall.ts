import type { Client } from '#shared/rpc/client.ts'
import type { ApiCall, CountTokens } from './apiRoute.ts'

/** What a route is given for one request. */
export function apiCall(client: Client, { signal, count }: { signal: AbortSignal; count: CountTokens }): ApiCall {
  return {
    ...{ client, signal, count },
    options: onPiece => ({ signal, onItem: onPiece && (({ text, of }) => onPiece(text, of)) }),
  }
}
