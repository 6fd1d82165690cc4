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
 * `take` throws, or `E_CANCELLED` when the sender went away.
 */
export async function receiveBody(
  incoming: IncomingMessage,
  { limit, budget }: { limit: number; budget: BodyBudget },
  take: (chunk: Uint8Array) => unknown,
): Promise<void> {
  let received = 0
  /** Whether that was enough. */
  const accept = (chunk: Uint8Array): boolean => {
    received += chunk.byteLength
    budget.held += chunk.byteLength
    if (received > limit) throw new StatePackError('E_TOO_LARGE', 'This is larger than the Studio accepts.', { limit })
    if (budget.held > budget.limit) throw new StatePackError('E_BUSY', 'Too much is being uploaded at once.')
    return take(chunk) === 'enough'
  }
  try {
    // A short body is there with its head once the parser has returned; waiting for events would take as long as all else.
    await new Promise<void>(resolve => process.nextTick(resolve))
    if (!incoming.complete) return await eachPiece(incoming, accept)
    const whole: Uint8Array | null = incoming.read()
    if (whole !== null) accept(whole)
  } finally {
    budget.held -= received
  }
}

/** By events: an iterator of a stream costs a tenth of a millisecond more. */
async function eachPiece(incoming: IncomingMessage, accept: (chunk: Uint8Array) => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onData = (chunk: Uint8Array) => {
    try {
      if (!accept(chunk)) return
      resolve()
    } catch (thrown) {
      reject(thrown)
    }
    incoming.off('data', onData).pause()
  }
  const breakOff = (cause?: unknown) =>
    reject(new StatePackError('E_CANCELLED', 'The upload was broken off.', {}, cause))
  if (incoming.destroyed) breakOff()
  incoming.on('data', onData).once('end', resolve).once('error', breakOff).once('close', breakOff)
  try {
    await promise
  } finally {
    incoming.off('data', onData).off('end', resolve).off('error', breakOff).off('close', breakOff)
  }
}
