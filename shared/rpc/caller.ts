/** One call as its caller holds it on a transport that passes messages. */
import { type ErrorValue, StatePackError, toErrorValue } from '../domain/error.ts'
import { createItemReader, createItemSender } from './itemFlow.ts'
import type { Result } from './result.ts'
import type { TransportOptions } from './transport.ts'
import { feed } from './upload.ts'
import type { Answer, CalleeMessage, CallerMessage } from './wire.ts'

export interface Caller {
  /** The call is under way: its upload begins. */
  begin(): void
  receive(message: CalleeMessage): void
  /**
   * The call is over; without an answer of its own (the other side is gone) it ends with `result`. Waits until every item
   * before it has been read, unless it was cancelled.
   */
  finish(answer: Answer | Result<unknown>): Promise<Result<unknown>>
}

export function createCaller(id: number, options: TransportOptions, post: (message: CallerMessage) => void): Caller {
  const { signal, onProgress, onItem, upload } = options
  const stopped = Promise.withResolvers<void>()
  const sender = createItemSender(item => post({ kind: 'item', id, item }))
  const reader = createItemReader({
    read: item => onItem?.(item),
    taken: () => post({ kind: 'taken', id }),
    failed: fail,
  })
  const feeding = upload === undefined ? null : feed(upload, item => sender.send(item))
  let failure: ErrorValue | null = null
  let isOver = false
  let received = 0
  let awaited = { items: Number.POSITIVE_INFINITY, all: Promise.withResolvers<void>() }

  function stop(): void {
    reader.stop()
    sender.close()
    feeding?.stop()
    stopped.resolve()
  }
  function cancel(): void {
    stop()
    if (!isOver) post({ kind: 'cancel', id })
  }
  function fail(error: unknown): void {
    if (isOver) return
    failure ??= toErrorValue(error)
    cancel()
  }
  signal?.addEventListener('abort', cancel, { once: true })

  return {
    begin() {
      feeding?.run().then(
        isWhole => isWhole && !isOver && post({ kind: 'end', id }),
        error => fail(error),
      )
    },
    receive(message) {
      if (message.kind === 'progress') onProgress?.(message.progress)
      else if (message.kind === 'taken') sender.taken()
      else {
        received += 1
        reader.push(message.item)
        if (received >= awaited.items) awaited.all.resolve()
      }
    },
    async finish(answer) {
      const { items = received, ...result } = answer as Result<unknown> & { items?: number }
      if (items > 0) {
        awaited = { items, all: Promise.withResolvers() }
        if (received >= items) awaited.all.resolve()
        await Promise.race([awaited.all.promise.then(() => reader.drained()), stopped.promise])
      }
      isOver = true
      stop()
      signal?.removeEventListener('abort', cancel)
      if (failure !== null) return { ok: false, error: failure }
      // What it was not given any more is missing.
      if (signal?.aborted && result.ok && onItem !== undefined) return cancelled()
      return result as Result<unknown>
    },
  }
}

function cancelled(): Result<never> {
  return { ok: false, error: toErrorValue(new StatePackError('E_CANCELLED', 'Cancelled.')) }
}
