/** What the preload script hands to the page as `window.statepack`: the whole of what a page can reach in Electron. */
import type { EventName } from '#shared/rpc/events.ts'
import type { Answer, CalleeMessage, CallerMessage } from '#shared/rpc/wire.ts'
import type { OpenRequest } from './openRequests.ts'

/** What arrives unasked. */
export type BridgeMessage =
  | CalleeMessage
  | { readonly kind: 'event'; readonly name: EventName; readonly data: unknown }
  | { readonly kind: 'open'; readonly request: OpenRequest }

type MessageOf<K extends BridgeMessage['kind']> = Extract<BridgeMessage, { kind: K }>

export interface Bridge {
  call(id: number, method: string, input: unknown, uploads: boolean): Promise<Answer>
  /** About a call that runs. */
  post(message: CallerMessage): void
  /** The path of a file that was dropped or chosen here. */
  pathOf(file: File): string
  subscribe<K extends BridgeMessage['kind']>(kind: K, listener: (message: MessageOf<K>) => void): () => void
}

/** The bridge, or null in a plain browser. */
export function findBridge(): Bridge | null {
  return (globalThis as { statepack?: Bridge }).statepack ?? null
}
