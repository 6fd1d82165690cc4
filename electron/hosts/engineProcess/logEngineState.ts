import type { Log } from '#engine/logging/openLog.ts'
import { events } from '#shared/rpc/events.ts'
import type { Transport } from '#shared/rpc/transport.ts'

/** Writes down each change of the engine's state, as its host sees it. */
export function logEngineState(host: Pick<Transport, 'subscribe'>, log: Log): void {
  host.subscribe((name, data) => {
    if (name !== 'engine.status') return
    const { state } = events['engine.status'].parse(data)
    const isBad = state === 'failed' || state === 'restarting'
    log[isBad ? 'warn' : 'info']('engine', { event: name, state })
  })
}
