import { StatePackError } from '../../../shared/domain/error.ts'
import { createStatePack } from './createStatePack.ts'
import { errorOf } from './error.ts'
import { readEvents } from './readEvents.ts'
import type { StatePack } from './statePack.ts'

export interface ConnectOptions {
  /** As `statepack serve --api` prints it: `http://127.0.0.1:8321`. */
  readonly address: string
  readonly token: string
}

/** A server elsewhere, or in another process. Nothing is sent until the first call. */
export function connect({ address, token }: ConnectOptions): StatePack {
  const base = address.replace(/\/+$/, '')
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return createStatePack(
    async (path, body, { signal = null, onEvent }) => {
      const sent = { headers, signal, ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }) }
      try {
        const response = await fetch(`${base}${path}`, sent)
        if (!response.ok) throw errorOf(await response.json().catch(() => null), response.status)
        const [type] = response.headers.get('content-type')?.split(';') ?? []
        if (type === 'application/json') return await response.json()
        if (type !== 'text/event-stream') return await response.text()
        if (response.body !== null) await readEvents(response.body, event => onEvent?.(event))
      } catch (thrown) {
        if (thrown instanceof StatePackError) throw thrown
        if (signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.', {}, thrown)
        throw new StatePackError('E_NETWORK', `The server at ${base} does not answer.`, { address: base }, thrown)
      }
    },
    async () => {},
  )
}
