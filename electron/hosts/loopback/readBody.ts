/** Reads one frame out of a request body, never holding more than the limit or the budget all requests share. */
import type { IncomingMessage } from 'node:http'
import { StatePackError } from '#shared/domain/error.ts'
import { createFrameReader } from '#shared/rpc/codec.ts'

/** Bytes of bodies that may be held at once, over all connections. */
export interface BodyBudget {
  held: number
  readonly limit: number
}

/** Throws `E_TOO_LARGE`, `E_BUSY` when the budget is spent, `E_BAD_JSON`, or `E_CANCELLED` when the sender went away. */
export async function readBody(incoming: IncomingMessage, limit: number, budget: BodyBudget): Promise<unknown> {
  const reader = createFrameReader(limit)
  const values: unknown[] = []
  let received = 0
  try {
    for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
      received += chunk.byteLength
      budget.held += chunk.byteLength
      if (received > limit)
        throw new StatePackError('E_TOO_LARGE', 'This is larger than the Studio accepts.', { limit })
      if (budget.held > budget.limit) throw new StatePackError('E_BUSY', 'Too much is being uploaded at once.')
      values.push(...reader.push(chunk))
      if (values.length > 1) break
    }
  } catch (thrown) {
    if (thrown instanceof StatePackError) throw thrown
    throw new StatePackError('E_CANCELLED', 'The upload was broken off.', {}, thrown)
  } finally {
    budget.held -= received
  }
  if (values.length !== 1 || !reader.atBoundary) {
    throw new StatePackError('E_BAD_JSON', 'This message cannot be read: it is not one whole frame.')
  }
  return values[0]
}
