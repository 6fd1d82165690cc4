import type { Turn } from '#shared/rpc/methods/turn.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'

/** The state after a turn is no longer stored: said plainly, and read again when that is wanted. */
export function Reread({ turn }: { readonly turn: Turn }) {
  const task = useTask('conversations.reread')
  return (
    <section className="Unanswered" aria-label="The state is gone">
      {task.status === 'running' ? (
        <div className="grow">
          <TaskProgress progress={task.progress} fallback="Reading it again" />
        </div>
      ) : (
        <span className="grow">
          The state after the last answer is no longer stored. To go on from it, the conversation is read again; or ask
          afresh.
        </span>
      )}
      {task.status === 'running' ? (
        <Button size="s" onPress={task.cancel}>
          Cancel
        </Button>
      ) : (
        <Button size="s" onPress={() => void task.run({ turnId: turn.id })}>
          Read it again
        </Button>
      )}
      {task.status === 'failed' ? (
        <ErrorPanel error={task.error} action={{ label: 'Dismiss', onPress: task.reset }} />
      ) : null}
    </section>
  )
}
