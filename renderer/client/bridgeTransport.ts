/** Calls through Electron's preload bridge. */
import { type Caller, createCaller } from '#shared/rpc/caller.ts'
import { settle, unwrap } from '#shared/rpc/result.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import type { Bridge } from './bridge.ts'

export function createBridgeTransport(bridge: Bridge): Transport {
  const running = new Map<number, Caller>()
  let nextId = 1
  for (const kind of ['progress', 'item', 'taken'] as const)
    bridge.subscribe(kind, message => running.get(message.id)?.receive(message))
  return {
    call: (method, input, options) =>
      settle(async () => {
        options.signal?.throwIfAborted()
        const id = nextId++
        const caller = createCaller(id, options, message => bridge.post(message))
        running.set(id, caller)
        const answering = settle(() => bridge.call(id, method, input, options.upload !== undefined))
        caller.begin()
        const answer = await answering
        const result = await caller.finish(answer.ok ? answer.data : answer)
        running.delete(id)
        return unwrap(result)
      }),
    subscribe: listener => bridge.subscribe('event', message => listener(message.name, message.data)),
  }
}
