import { StatePackError } from '#shared/domain/error.ts'
import { contract, type MethodName } from '#shared/rpc/contract.ts'
import type { Method, Streams } from '#shared/rpc/method.ts'
import type { Items } from '#shared/rpc/transport.ts'
import { untilAborted } from '#shared/rpc/untilAborted.ts'
import { fieldProblem } from './fieldProblem.ts'

/** The items of an upload as the contract has them. Throws `E_BAD_INPUT`, what the source throws, `E_CANCELLED` at once. */
export function checkedUpload(method: MethodName, upload: Items<unknown>, signal: AbortSignal): AsyncIterable<never> {
  const { takes }: Method & Streams = contract[method]
  if (takes === undefined) throw new StatePackError('E_BAD_INPUT', `${method} takes no upload.`, { method })
  const schema = takes
  async function* items() {
    const iterator = Symbol.asyncIterator in upload ? upload[Symbol.asyncIterator]() : upload[Symbol.iterator]()
    try {
      for (;;) {
        const { done, value } = await untilAborted(signal, iterator.next())
        if (done === true) return
        const item = schema.safeParse(value)
        if (!item.success) throw fieldProblem('E_BAD_INPUT', method, item.error)
        yield item.data as never
      }
    } finally {
      // Not waited for: a source that never gives another item never ends either.
      void Promise.resolve(iterator.return?.()).catch(() => {})
    }
  }
  return items()
}
