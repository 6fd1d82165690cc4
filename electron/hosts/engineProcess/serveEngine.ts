/** The engine's side of the process boundary: opens an engine, answers calls, forwards its events. */
import type { Log } from '#engine/logging/openLog.ts'
import { toErrorValue } from '#shared/domain/error.ts'
import { type Callee, createCallee } from '#shared/rpc/callee.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import type { EventName } from '#shared/rpc/events.ts'
import { dispatch } from '../dispatch/dispatch.ts'
import {
  type EngineEvent,
  type EngineOptions,
  type FromEngine,
  GATHER_MS,
  HEARTBEAT_MS,
  type ToEngine,
} from './messages.ts'

/** The engine as its process sees it. */
export interface ServedEngine {
  readonly handlers: Partial<Handlers>
  readonly log?: Log
  dispose(): Promise<void>
}

export type OpenEngine = (
  options: EngineOptions & { readonly onEvent: (name: EventName, data: unknown) => void },
) => Promise<ServedEngine>

export interface ParentPort {
  send(message: FromEngine): void
  onMessage(listener: (message: ToEngine) => void): void
  /** The parent went away, or asked to end. */
  onGone(listener: () => void): void
}

/** Ends the process once the engine has let go of its files, or after `patience` when native code does not return. */
const PATIENCE_MS = 5000

export function serveEngine(port: ParentPort, openEngine: OpenEngine): void {
  let callee: Callee | null = null
  let engine: ServedEngine | null = null
  const events: EngineEvent[] = []

  /** Each message wakes the parent, and an answer would wait behind it: what has changed is told once that is done. */
  function tell(name: EventName, data: unknown): void {
    if (events.length === 0) setTimeout(tellAll, GATHER_MS)
    events.push({ name, data })
  }

  function tellAll(): void {
    try {
      port.send({ kind: 'events', events: events.splice(0) })
    } catch (thrown) {
      engine?.log?.failed('unsent events', thrown)
    }
  }

  async function answer(callee: Callee, call: Extract<ToEngine, { kind: 'call' }>): Promise<void> {
    const { id } = call
    const answer = await callee.run(call)
    try {
      port.send({ kind: 'result', id, answer })
    } catch (thrown) {
      engine?.log?.failed('unsent answer', thrown)
      // It cannot be written (nesting without end): then that is the answer, and nobody else's end.
      port.send({ kind: 'result', id, answer: { ok: false, error: toErrorValue(thrown), items: answer.items } })
    }
  }

  async function open(options: EngineOptions): Promise<void> {
    try {
      engine = await openEngine({ ...options, onEvent: tell })
      callee = createCallee(dispatch(engine.handlers, engine.log).call, message => port.send(message))
      port.send({ kind: 'ready' })
    } catch (thrown) {
      port.send({ kind: 'refused', error: toErrorValue(thrown) })
    }
  }

  function close(): void {
    setTimeout(() => process.exit(0), PATIENCE_MS).unref()
    callee?.cancelAll()
    Promise.resolve(engine?.dispose()).then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }

  setInterval(() => port.send({ kind: 'alive' }), HEARTBEAT_MS).unref()
  port.onGone(close)
  port.onMessage(message => {
    if (message.kind === 'open') void open(message.options)
    else if (message.kind === 'close') close()
    else if (callee === null) return
    else if (message.kind === 'call') void answer(callee, message)
    else callee.receive(message)
  })
}
