/** Receives a request body piece by piece, never holding more than the limit or the budget all requests share. */
import type { IncomingMessage } from 'node:http'
import { StatePackError } from '#shared/domain/error.ts'

/** Bytes of bodies that may be held at once, over all connections. */
export interface BodyBudget {
  held: number
  readonly limit: number
}

/**
 * Hands every piece to `take` until it returns `enough`. Throws `E_TOO_LARGE`, `E_BUSY` when the budget is spent, what
 * `take` throws, or `E_CANCELLED` when the sender went away. By events: an iterator of a stream costs a short request a tenth of
 * a millisecond.
 */
export async function receiveBody(
  incoming: IncomingMessage,
  { limit, budget }: { limit: number; budget: BodyBudget },
  take: (chunk: Uint8Array) => unknown,
): Promise<void> {
  let received = 0
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const accept = (chunk: Uint8Array) => {
    received += chunk.byteLength
    budget.held += chunk.byteLength
    try {
      if (received > limit)
        throw new StatePackError('E_TOO_LARGE', 'This is larger than the Studio accepts.', { limit })
      if (budget.held > budget.limit) throw new StatePackError('E_BUSY', 'Too much is being uploaded at once.')
      if (take(chunk) !== 'enough') return
      resolve()
    } catch (thrown) {
      reject(thrown)
    }
    incoming.off('data', accept).pause()
  }
  const breakOff = (cause?: unknown) =>
    reject(new StatePackError('E_CANCELLED', 'The upload was broken off.', {}, cause))
  if (incoming.readableEnded) return
  if (incoming.destroyed) breakOff()
  incoming.on('data', accept).once('end', resolve).once('error', breakOff).once('close', breakOff)
  try {
    await promise
  } finally {
    incoming.off('data', accept).off('end', resolve).off('error', breakOff).off('close', breakOff)
    budget.held -= received
  }
}
