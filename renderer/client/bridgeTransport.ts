/** Calls through Electron's preload bridge. */

import type { Progress } from '#shared/rpc/progress.ts'
import { settle, unwrap } from '#shared/rpc/result.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import type { Bridge } from './bridge.ts'

export function createBridgeTransport(bridge: Bridge): Transport {
  const progressOf = new Map<number, (progress: Progress) => void>()
  let nextId = 1
  bridge.subscribe('progress', message => progressOf.get(message.id)?.(message.progress))
  return {
    call: (method, input, { signal, onProgress }) =>
      settle(async () => {
        signal?.throwIfAborted()
        const id = nextId++
        const cancel = () => bridge.cancel(id)
        if (onProgress !== undefined) progressOf.set(id, onProgress)
        signal?.addEventListener('abort', cancel, { once: true })
        try {
          return unwrap(await bridge.call(id, method, input))
        } finally {
          signal?.removeEventListener('abort', cancel)
          progressOf.delete(id)
        }
      }),
    subscribe: listener => bridge.subscribe('event', message => listener(message.name, message.data)),
  }
}
