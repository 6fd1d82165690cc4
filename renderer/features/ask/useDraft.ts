import { useCallback, useEffect, useRef, useState } from 'react'
import type { Conversation } from './useConversation.ts'

export interface Draft {
  readonly text: string
  readonly write: (text: string) => void
  /** It is put as a question, when this resolves: the engine takes out of the draft what the question begins with. */
  readonly take: () => Promise<void>
}

/**
 * The question that is being written, kept by the engine while it is: the first letter at once, later ones as fast as they are
 * saved. What another window writes comes in when nothing is unsaved here.
 */
export function useDraft({ view, readAt, save }: Pick<Conversation, 'view' | 'readAt' | 'save'>): Draft {
  const [text, setText] = useState<string | null>(null)
  const state = useRef({ wanted: null as string | null, saving: null as Promise<void> | null, revision: -1, save })
  state.current.save = save

  const flush = useCallback((): void => {
    const now = state.current
    now.saving ??= saveAll().finally(() => {
      now.saving = null
    })
    async function saveAll(): Promise<void> {
      while (now.wanted !== null) {
        const draft = now.wanted
        const revision = await now.save({ draft })
        // Not saved: again with the next letter, or when the engine is back.
        if (revision === null) return
        now.revision = revision
        if (now.wanted === draft) now.wanted = null
      }
    }
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: an engine that answers again saves what it could not
  useEffect(() => {
    const { wanted, revision } = state.current
    if (wanted !== null) flush()
    if (view === null || wanted !== null || view.draftRevision <= revision) return
    state.current.revision = view.draftRevision
    setText(view.draft)
  }, [view, readAt, flush])

  const write = useCallback(
    (next: string) => {
      setText(next)
      state.current.wanted = next
      flush()
    },
    [flush],
  )
  const take = useCallback(async () => {
    setText('')
    state.current.wanted = null
    await state.current.saving
  }, [])
  return { text: text ?? view?.draft ?? '', write, take }
}
