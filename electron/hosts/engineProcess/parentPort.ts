/** The way to the parent from inside the engine process: a forked Node process, or Electron's utility process. */
import type { FromEngine, ToEngine } from './messages.ts'
import type { ParentPort } from './serveEngine.ts'

/** Electron adds `process.parentPort` in a utility process; only what is used of it is described here. */
interface UtilityPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void
}

export function openParentPort(): ParentPort {
  const utility = (process as { parentPort?: UtilityPort }).parentPort
  if (utility !== undefined) {
    return {
      send: message => utility.postMessage(message),
      onMessage: listener => utility.on('message', event => listener(event.data as ToEngine)),
      // A utility process dies with its parent; asking it to end is a `close` message.
      onGone: () => {},
    }
  }
  return {
    // A parent that is gone can be told nothing; `disconnect` ends this process.
    send: (message: FromEngine) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => {})
    },
    onMessage: listener => process.on('message', message => listener(message as ToEngine)),
    onGone: listener => {
      process.on('disconnect', listener)
      process.on('SIGTERM', listener)
      // Ctrl+C reaches the whole group: the parent decides when the engine ends.
      process.on('SIGINT', () => {})
    },
  }
}
