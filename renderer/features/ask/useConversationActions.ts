import { useMemo } from 'react'
import { useClient } from '../../stores/studio.ts'
import { attempt } from '../../ui/attempt.ts'
import { saveFile } from '../../ui/saveFile.ts'
import { toastDone, toastUndo } from '../../ui/toasts.tsx'

export interface ConversationActions {
  /** False when it was refused, which was said. */
  readonly rename: (id: string, name: string) => Promise<boolean>
  /** Deletes and offers to undo. */
  readonly remove: (id: string) => Promise<boolean>
  readonly exportMarkdown: (id: string) => Promise<boolean>
}

/** What one does to conversations as a whole. Failures are shown here, callers need not catch. */
export function useConversationActions(): ConversationActions {
  const client = useClient()
  return useMemo(() => {
    return {
      rename: (id, name) => attempt(() => client.call('conversations.save', { id, name })),
      remove: id =>
        attempt(async () => {
          await client.call('conversations.delete', { ids: [id] })
          toastUndo(
            'Deleted a conversation',
            () => void attempt(() => client.call('conversations.restore', { ids: [id] })),
          )
        }),
      exportMarkdown: id =>
        attempt(async () => {
          const { fileName, markdown } = await client.call('conversations.export', { id })
          saveFile(fileName, markdown, 'text/markdown')
          toastDone('Exported', fileName)
        }),
    }
  }, [client])
}
