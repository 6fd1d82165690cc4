export {}

declare global {
  /** The part of AbortSignal that every realm has; merges with Node's and the DOM's own declaration. */
  interface AbortSignal {
    readonly aborted: boolean
    throwIfAborted(): void
    addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
    removeEventListener(type: 'abort', listener: () => void): void
  }
}
