/**
 * Keeps one engine process running and is the only way to it. The host that owns it never waits on the engine:
 * it knows the engine's health, bounds what may wait, and answers for it when it is gone.
 */
import { type ErrorValue, StatePackError, toErrorValue } from '#shared/domain/error.ts'
import { type Caller, createCaller } from '#shared/rpc/caller.ts'
import type { EventData } from '#shared/rpc/events.ts'
import type { Result } from '#shared/rpc/result.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import type { Answer, Hears } from '#shared/rpc/wire.ts'
import { unsendable } from '../dispatch/unsendable.ts'
import { createEventHub } from '../eventHub.ts'
import type { EngineChild } from './engineChild.ts'
import type { EngineOptions, FromEngine } from './messages.ts'

type EngineState = EventData<'engine.status'>['state']

export interface EngineHealth {
  readonly state: EngineState
  readonly reason: string | null
  readonly inFlight: number
  readonly waiting: number
  /** How many may wait: one more is refused. Null where nothing waits, because nothing is between caller and engine. */
  readonly maxWaiting: number | null
  readonly restarts: number
}

export interface Supervisor extends Transport {
  /** What the host knows without asking the engine. */
  health(): EngineHealth
  /** Resolves when the engine answers calls, or cannot be started. */
  settled(): Promise<EngineHealth>
  /** Asks the engine to end, and ends it when it does not. */
  dispose(): Promise<void>
}

export interface SupervisorOptions {
  readonly start: () => EngineChild
  readonly engine: EngineOptions
  /** Calls the engine works on at once. */
  readonly maxInFlight?: number
  /** Calls that may wait behind those; one more is refused with `E_BUSY`. */
  readonly maxWaiting?: number
  /** Pause before restart n (1-based), milliseconds. After as many crashes in a row as there are pauses it gives up. */
  readonly pauses?: readonly number[]
  /** Milliseconds without a sign of life after which the engine is ended and started again. */
  readonly patience?: number
}

/** An engine that ran this long had started well: an earlier crash no longer counts. */
const STEADY_MS = 60_000
const END_PATIENCE_MS = 6000

interface Call {
  readonly id: number
  readonly method: string
  readonly input: unknown
  readonly uploads: boolean
  readonly hears: Hears
  readonly caller: Caller
  readonly finish: (answer: Answer | Result<unknown>) => void
}

const failure = (error: ErrorValue): Result<never> => ({ ok: false, error })
const failureOf = (...args: ConstructorParameters<typeof StatePackError>) =>
  failure(toErrorValue(new StatePackError(...args)))

export function superviseEngine(options: SupervisorOptions): Supervisor {
  const { maxInFlight = 32, maxWaiting = 256, pauses = [100, 500, 2000, 5000], patience = 120_000 } = options
  const hub = createEventHub()
  const inFlight = new Map<number, Call>()
  const waiting: Call[] = []
  let child: EngineChild | null = null
  let state: EngineState = 'starting'
  let reason: string | null = null
  let refusal: ErrorValue | null = null
  let crashesInARow = 0
  let restarts = 0
  let nextId = 1
  let readyAt = 0
  let disposed = false
  let restartTimer: NodeJS.Timeout | undefined
  let silentFor = 0
  let onceSettled = Promise.withResolvers<void>()

  function enter(next: EngineState, why: string | null): void {
    state = next
    reason = why
    hub.emit('engine.status', why === null ? { state } : { state, reason: why })
    if (next === 'ready' || next === 'failed') onceSettled.resolve()
    else onceSettled = Promise.withResolvers<void>()
  }

  function start(): void {
    const started = options.start()
    child = started
    silentFor = 0
    started.onMessage(message => {
      if (child !== started) return
      silentFor = 0
      receive(message)
    })
    started.onExit(how => {
      if (child === started) ended(how)
    })
    started.send({ kind: 'open', options: options.engine })
  }

  function receive(message: FromEngine): void {
    if (message.kind === 'ready') {
      readyAt = Date.now()
      refusal = null
      enter('ready', null)
      pump()
    } else if (message.kind === 'refused') {
      refusal = message.error
      const gone = child
      child = null
      gone?.kill()
      enter('failed', message.error.message)
      for (const call of waiting.splice(0)) call.finish(failure(message.error))
    } else if (message.kind === 'alive') {
      return
    } else if (message.kind === 'events') {
      for (const { name, data } of message.events) hub.emit(name, data)
    } else if (message.kind !== 'result') {
      inFlight.get(message.id)?.caller.receive(message)
    } else {
      const call = inFlight.get(message.id)
      inFlight.delete(message.id)
      call?.finish(message.answer)
      pump()
    }
  }

  function ended(how: string): void {
    child = null
    if (disposed) return
    if (state === 'ready' && Date.now() - readyAt > STEADY_MS) crashesInARow = 0
    crashesInARow += 1
    const lost = [...inFlight.values()]
    inFlight.clear()
    const pause = pauses[crashesInARow - 1]
    if (pause === undefined) {
      enter('failed', `The engine process ended ${crashesInARow} times in a row (${how}).`)
      lost.push(...waiting.splice(0))
    } else {
      enter('restarting', `The engine process ended unexpectedly (${how}) and is being started again.`)
      restartTimer = setTimeout(() => {
        restarts += 1
        start()
      }, pause)
    }
    for (const call of lost) {
      const message = `The engine process ended (${how}) while it worked on ${call.method}. What was already saved is safe; please try again.`
      call.finish(failureOf('E_ENGINE_DOWN', message, { how, method: call.method }))
    }
  }

  /**
   * Native code or a text that never ends can hold the engine's only loop, and then no cancelling reaches it. Counted in
   * turns of the host's own loop, so that a machine that slept does not look like an engine that did.
   */
  function watch(): void {
    silentFor += watchEvery
    if (child === null || silentFor < patience) return
    const silent = child
    child = null
    silent.kill()
    ended(`it did not answer for ${Math.round(silentFor / 1000)} s`)
  }

  /** A call is the sign that somebody wants it back: an engine that had given up gets one more try. */
  function tryAgain(): void {
    crashesInARow = Math.max(0, pauses.length - 1)
    restarts += 1
    enter('restarting', 'The engine is being started again.')
    start()
  }

  function pump(): void {
    while (state === 'ready' && inFlight.size < maxInFlight) {
      const call = waiting.shift()
      if (call === undefined) return
      inFlight.set(call.id, call)
      const { id, method, input, uploads, hears } = call
      try {
        child?.send({ kind: 'call', id, method, input, uploads, hears })
      } catch (thrown) {
        inFlight.delete(id)
        call.finish(failure(toErrorValue(unsendable(thrown))))
        continue
      }
      call.caller.begin()
    }
  }

  function cancel(id: number): void {
    const index = waiting.findIndex(call => call.id === id)
    if (index >= 0) {
      const [call] = waiting.splice(index, 1)
      call?.finish(failureOf('E_CANCELLED', 'Cancelled.'))
    } else if (inFlight.has(id)) {
      child?.send({ kind: 'cancel', id })
    }
  }

  const watchEvery = Math.min(1000, patience / 4)
  const watching = setInterval(watch, watchEvery)
  watching.unref()
  start()

  return {
    call(method, input, options) {
      const { signal } = options
      if (disposed) return Promise.resolve(failureOf('E_ENGINE_DOWN', 'The Studio is closing.'))
      if (signal?.aborted) return Promise.resolve(failureOf('E_CANCELLED', 'Cancelled.'))
      if (waiting.length >= maxWaiting) {
        const message = 'The engine has more to do than it can queue. Try again in a moment.'
        return Promise.resolve(failureOf('E_BUSY', message, { waiting: waiting.length }))
      }
      const { promise, resolve } = Promise.withResolvers<Result<unknown>>()
      const id = nextId++
      const caller = createCaller(id, options, message => {
        if (message.kind === 'cancel') cancel(id)
        // What concerns a call of an engine that is gone must not reach the next one.
        else if (inFlight.has(id)) child?.send(message)
      })
      const finish = (answer: Answer | Result<unknown>) => resolve(caller.finish(answer))
      const { onProgress, onItem, upload } = options
      const hears = { progress: onProgress !== undefined, items: onItem !== undefined }
      waiting.push({ id, method, input, uploads: upload !== undefined, hears, caller, finish })
      if (state === 'failed') tryAgain()
      pump()
      return promise
    },
    subscribe: listener => hub.subscribe(listener),
    health: () => ({ state, reason, inFlight: inFlight.size, waiting: waiting.length, maxWaiting, restarts }),
    async settled() {
      await onceSettled.promise
      return this.health()
    },
    async dispose() {
      if (disposed) return
      disposed = true
      clearTimeout(restartTimer)
      clearInterval(watching)
      for (const call of [...inFlight.values(), ...waiting.splice(0)]) {
        call.finish(refusal === null ? failureOf('E_ENGINE_DOWN', 'The Studio is closing.') : failure(refusal))
      }
      inFlight.clear()
      const ending = child
      if (ending === null) return
      await new Promise<void>(resolve => {
        const timer = setTimeout(() => ending.kill(), END_PATIENCE_MS)
        ending.onExit(() => {
          clearTimeout(timer)
          resolve()
        })
        ending.send({ kind: 'close' })
      })
    },
  }
}
