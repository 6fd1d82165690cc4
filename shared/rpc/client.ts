/** The typed client: what windows, the CLI and the SDK call, over any {@link Transport}. */
import type { z } from 'zod'
import { type Contract, contract, type MethodName, type Sent, type Taken } from './contract.ts'
import type { EventData, EventName } from './events.ts'
import type { Progress } from './progress.ts'
import { unwrap } from './result.ts'
import type { Items, Transport } from './transport.ts'

export type Input<M extends MethodName> = z.input<Contract[M]['input']>
export type Output<M extends MethodName> = z.output<Contract[M]['output']>

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

export interface StreamOptions<M extends MethodName> extends CallOptions {
  /** Every item that the method sends, in order; the next one waits for what this returns, and what it throws ends the call. */
  readonly onItem?: (item: Sent<M>) => unknown
  /** What the method takes besides its input, read as fast as the engine takes it. */
  readonly upload?: Items<Taken<M>>
}

export interface Client {
  /** Calls one method. Throws `StatePackError` with the engine's own code. */
  call<M extends MethodName>(method: M, input: Input<M>, options?: StreamOptions<NoInfer<M>>): Promise<Output<M>>
  /** Listens to one event; returns the function that stops it. */
  on<N extends EventName>(event: N, listener: (data: EventData<N>) => void): () => void
}

export function createClient(transport: Transport): Client {
  return {
    async call(method, input, options = {}) {
      const { onItem, ...rest } = options
      const result = await transport.call(method, input, {
        ...rest,
        onItem: onItem && (item => onItem(item as Sent<typeof method>)),
      })
      // Output was produced by our own engine behind a validating dispatcher; the schema gives its type.
      return unwrap(result) as z.output<Contract[typeof method]['output']>
    },
    on(event, listener) {
      return transport.subscribe((name, data) => {
        if (name === event) listener(data as EventData<typeof event>)
      })
    },
  }
}

export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(contract, name)
}
