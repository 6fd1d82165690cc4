export {}

declare global {
  /** The part of AbortSignal that every realm has; merges with Node's and the DOM's own declaration. */
  interface AbortSignal {
    readonly aborted: boolean
  }
}
