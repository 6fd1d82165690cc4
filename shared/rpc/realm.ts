/**
 * What Node, the browser and Electron's sandbox all have, as far as the contract uses it: this project sees neither Node's nor
 * the DOM's declarations, so that nothing that only one of them has can slip in.
 */
export interface Abort {
  readonly signal: AbortSignal
  abort(): void
}

export interface HttpAnswer {
  readonly ok: boolean
  readonly status: number
  readonly body: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>
      cancel(): Promise<unknown>
    }
  } | null
  json(): Promise<unknown>
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array<ArrayBuffer>
  readonly signal?: AbortSignal
}

export type Fetch = (url: string, request: HttpRequest) => Promise<HttpAnswer>

type Timer = { readonly timer: unique symbol }

interface Realm {
  readonly AbortController: new () => Abort
  readonly TextEncoder: new () => { encode(text: string): Uint8Array<ArrayBuffer> }
  readonly TextDecoder: new (label: string, options: { fatal: boolean }) => { decode(bytes: Uint8Array): string }
  readonly crypto: { randomUUID(): string }
  readonly fetch: Fetch
  setTimeout(run: () => void, milliseconds: number): Timer
  clearTimeout(timer: Timer | undefined): void
}

export const realm = globalThis as unknown as Realm
