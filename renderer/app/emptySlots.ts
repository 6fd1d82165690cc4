import { addressOf } from '../features/ask/openConversation.ts'

/** What one does instead of asking more cartridges than a question takes: in a sentence, and on its button. */
export const EMPTY_SLOTS = {
  why: 'With empty slots, the whole library is searched for what answers a question.',
  label: 'Ask with empty slots',
}

/** Where a new conversation with empty slots is. */
export function emptySlotsAddress(): string {
  return addressOf(crypto.randomUUID(), [])
}
