/** The transport for an engine in this very process (CLI, tests). It still serialises, so both sides share no object. */
import type { EventName } from '#shared/rpc/events.ts'
import { settle, unwrap } from '#shared/rpc/result.ts'
import type { Items, Transport } from '#shared/rpc/transport.ts'
import type { Dispatcher } from './dispatch.ts'
import { unsendable } from './unsendable.ts'

export interface EventSource {
  /** Hands every event to `listener` until the returned function is called. */
  subscribe(listener: (name: EventName, data: unknown) => void): () => void
}

/** What a caller hands in. Throws `E_BAD_INPUT`. */
function clonedInput<T>(copy: (value: T) => T, value: T): T {
  try {
    return copy(value)
  } catch (thrown) {
    throw unsendable(thrown)
  }
}

/** Bytes are copied by themselves: they may be a part of something much larger. */
const clonedItem = (item: unknown) => (item instanceof Uint8Array ? new Uint8Array(item) : structuredClone(item))

async function* clonedItems(items: Items<unknown>): AsyncGenerator<unknown> {
  for await (const item of items) yield clonedInput(clonedItem, item)
}

export function createInProcessTransport(dispatcher: Dispatcher, eventSource: EventSource): Transport {
  return {
    call: (method, input, { signal, onProgress, onItem, upload }) =>
      settle(async () => {
        const copy = clonedInput(structuredClone, input)
        const report =
          onProgress && ((progress: Parameters<typeof onProgress>[0]) => onProgress(structuredClone(progress)))
        const options = {
          signal,
          onProgress: report,
          onItem: onItem && ((item: unknown) => onItem(clonedItem(item))),
          upload: upload && clonedItems(upload),
        }
        return structuredClone(unwrap(await dispatcher.call(method, copy, options)))
      }),
    subscribe: listener => eventSource.subscribe((name, data) => listener(name, structuredClone(data))),
  }
}
