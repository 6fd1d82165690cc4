/**
 * The one contract map. Every host, transport and client derives from it: adding a method touches this map, one handler
 * and one test, and a handler that is missing does not compile.
 */
import type { z } from 'zod'
import { answerMethods } from './methods/answers.ts'
import { askMethods } from './methods/ask.ts'
import { collectionMethods } from './methods/collections.ts'
import { conversationMethods } from './methods/conversations.ts'
import { documentMethods } from './methods/documents.ts'
import { engineMethods } from './methods/engine.ts'
import { inspectMethods } from './methods/inspect.ts'
import { jobMethods } from './methods/jobs.ts'
import { keyMethods } from './methods/keys.ts'
import { libraryMethods } from './methods/library.ts'
import { memoryMethods } from './methods/memory.ts'
import { modelMethods } from './methods/models.ts'
import { packetMethods } from './methods/packets.ts'
import { receiptMethods } from './methods/receipts.ts'
import { remixMethods } from './methods/remix.ts'
import { savingsMethods } from './methods/savings.ts'
import { serverMethods } from './methods/server.ts'
import { shareMethods } from './methods/share.ts'
import { transferMethods } from './methods/transfer.ts'
import type { Progress } from './progress.ts'

export const contract = {
  ...engineMethods,
  ...libraryMethods,
  ...collectionMethods,
  ...documentMethods,
  ...packetMethods,
  ...transferMethods,
  ...jobMethods,
  ...inspectMethods,
  ...answerMethods,
  ...askMethods,
  ...conversationMethods,
  ...remixMethods,
  ...receiptMethods,
  ...keyMethods,
  ...modelMethods,
  ...savingsMethods,
  ...memoryMethods,
  ...shareMethods,
  ...serverMethods,
} as const

export type Contract = typeof contract
export type MethodName = keyof Contract

/** The items that a method sends, as its reader gets them; never where it sends none. */
export type Sent<M extends MethodName> = Contract[M] extends { readonly sends: infer S extends z.ZodType }
  ? z.output<S>
  : never
/** The items that a method takes besides its input. */
export type Taken<M extends MethodName> = Contract[M] extends { readonly takes: infer T extends z.ZodType }
  ? z.output<T>
  : never

/** What a handler is given besides its input. */
export interface CallContext<M extends MethodName = MethodName> {
  readonly signal: AbortSignal
  readonly progress: (progress: Progress) => void
  /**
   * Sends the next item. Resolves when the reader has room for another: wait for it, and what is made here is never held twice.
   * Throws when nobody reads any more; the call then has nothing left to do.
   */
  readonly send: (item: Sent<M>) => Promise<void>
  /** What the caller gives, to be read once; null when it gives nothing. */
  readonly upload: AsyncIterable<Taken<M>> | null
}

/** One function per method: parsed input in, output out. */
export type Handlers = {
  readonly [M in MethodName]: (
    input: z.output<Contract[M]['input']>,
    context: CallContext<M>,
  ) => Promise<z.input<Contract[M]['output']>>
}

/** What the host answers by itself; all else is the engine's. */
export type HostHandlers = Pick<Handlers, keyof typeof serverMethods>
export type EngineHandlers = Omit<Handlers, keyof HostHandlers>
