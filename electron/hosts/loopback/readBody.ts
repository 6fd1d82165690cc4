/** Reads one frame out of a request body. */
import type { IncomingMessage } from 'node:http'
import { StatePackError } from '#shared/domain/error.ts'
import { createFrameReader } from '#shared/rpc/codec.ts'
import { type BodyBudget, receiveBody } from './receiveBody.ts'

/** Throws what {@link receiveBody} throws, and `E_BAD_JSON`. */
export async function readBody(incoming: IncomingMessage, limit: number, budget: BodyBudget): Promise<unknown> {
  const reader = createFrameReader(limit)
  const values: unknown[] = []
  await receiveBody(incoming, { limit, budget }, chunk => {
    values.push(...reader.push(chunk))
    return values.length > 1 ? 'enough' : undefined
  })
  if (values.length !== 1 || !reader.atBoundary) {
    throw new StatePackError('E_BAD_JSON', 'This message cannot be read: it is not one whole frame.')
  }
  return values[0]
}
