/** One way to call a method, shared by every host: validate, run, validate, and give a value back whatever happens. */
import { type Log, silentLog } from '#engine/logging/openLog.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { isMethodName } from '#shared/rpc/client.ts'
import { type CallContext, contract, type Handlers, type MethodName } from '#shared/rpc/contract.ts'
import type { Method, Streams } from '#shared/rpc/method.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { type Result, settle } from '#shared/rpc/result.ts'
import type { TransportOptions } from '#shared/rpc/transport.ts'
import { untilAborted } from '#shared/rpc/untilAborted.ts'
import { checkedUpload } from './checkedUpload.ts'
import { fieldProblem } from './fieldProblem.ts'

export interface Dispatcher {
  /**
   * Calls `method` with unvalidated input. Never throws. `E_NOT_FOUND` for a method there is not, `E_BAD_INPUT` with
   * the path of the offending field, the handler's own error, or `E_INTERNAL` when the answer breaks the contract.
   */
  call(method: string, input: unknown, options?: TransportOptions): Promise<Result<unknown>>
}

type AnyHandler = (input: unknown, context: CallContext<never>) => unknown

/** Whatever reason its owner gave. */
function throwIfCancelled({ aborted }: AbortSignal): void {
  if (aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
}

const sendsNothing = (method: string) => new StatePackError('E_INTERNAL', `${method} has no items to send.`)

/** A dispatcher over `handlers`; an engine hands in all of them, a test may hand in a few. */
export function dispatch(handlers: Partial<Handlers>, log: Log = silentLog): Dispatcher {
  function handlerOf(method: string): { name: MethodName; handler: AnyHandler } {
    const handler = isMethodName(method) && Object.hasOwn(handlers, method) ? handlers[method] : undefined
    if (!isMethodName(method) || handler === undefined) {
      throw new StatePackError('E_NOT_FOUND', `There is no method ${JSON.stringify(method.slice(0, 80))}.`)
    }
    return { name: method, handler: handler as AnyHandler }
  }

  return {
    call(method, input, { signal = new AbortController().signal, onProgress, onItem, upload } = {}) {
      let settled = false
      const started = performance.now()
      return settle(async () => {
        const { name, handler } = handlerOf(method)
        throwIfCancelled(signal)
        const parsed = contract[name].input.safeParse(input)
        if (!parsed.success) throw fieldProblem('E_BAD_INPUT', name, parsed.error)
        const progress = (report: Progress) => {
          if (!settled) onProgress?.(report)
        }
        const streams: Method & Streams = contract[name]
        let sent: Promise<void> | undefined
        const send = async (item: unknown) => {
          if (streams.sends === undefined) throw sendsNothing(name)
          if (onItem === undefined) return throwIfCancelled(signal)
          const one = streams.sends.safeParse(item)
          if (!one.success) throw fieldProblem('E_INTERNAL', name, one.error)
          sent = Promise.resolve(sent).then(async () => void (await onItem(one.data)))
          // Whoever waits for it hears of it; so does the end of the call.
          sent.catch(() => {})
          return untilAborted(signal, sent)
        }
        try {
          const taken = upload === undefined ? null : checkedUpload(name, upload, signal)
          const answer = await handler(parsed.data, { signal, progress, send, upload: taken })
          // The result is the last thing a caller hears of a call.
          if (sent === undefined) throwIfCancelled(signal)
          else await untilAborted(signal, sent)
          const output = contract[name].output.safeParse(answer)
          if (!output.success) throw fieldProblem('E_INTERNAL', name, output.error)
          log.debug('answered', { method: name, seconds: (performance.now() - started) / 1000 })
          return output.data as unknown
        } catch (thrown) {
          const { code } = toStatePackError(thrown)
          log.info('refused', { method: name, code, seconds: (performance.now() - started) / 1000 })
          if (code === 'E_INTERNAL') log.failed('unexpected', thrown)
          throw thrown
        }
      }).finally(() => {
        settled = true
      })
    },
  }
}
