/** Hands events from one source to any number of listeners; one listener that throws does not silence the others. */
import type { EventName } from '#shared/rpc/events.ts'

export type EventListener = (name: EventName, data: unknown) => void

export interface EventHub {
  emit(name: EventName, data: unknown): void
  subscribe(listener: EventListener): () => void
}

export function createEventHub(): EventHub {
  const listeners = new Set<EventListener>()
  return {
    emit(name, data) {
      for (const listener of [...listeners]) {
        try {
          listener(name, data)
        } catch {
          // A window that went away in this moment unsubscribes by itself.
        }
      }
    },
    subscribe(listener) {
      // A wrapper, so that the same function subscribed twice is two subscriptions.
      const own: EventListener = (name, data) => listener(name, data)
      listeners.add(own)
      return () => {
        listeners.delete(own)
      }
    },
  }
}
