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
  try {
    for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
      received += chunk.byteLength
      budget.held += chunk.byteLength
      if (received > limit)
        throw new StatePackError('E_TOO_LARGE', 'This is larger than the Studio accepts.', { limit })
      if (budget.held > budget.limit) throw new StatePackError('E_BUSY', 'Too much is being uploaded at once.')
      if (take(chunk) === 'enough') break
    }
  } catch (thrown) {
    if (thrown instanceof StatePackError) throw thrown
    throw new StatePackError('E_CANCELLED', 'The upload was broken off.', {}, thrown)
  } finally {
    budget.held -= received
  }
}
