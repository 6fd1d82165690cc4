/** Append a text to a state: only the new words are read, and the result is exactly what reading everything would give. */
import { useState } from 'react'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { useRead } from '../../stores/useRead.ts'
import { useSettled } from '../../stores/useSettled.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatBytes, formatCount, formatCounted, formatSeconds } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { TextArea } from '../../ui/TextArea.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { CartridgeSelect } from '../inspect/CartridgeSelect.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { ParentChip } from './ParentChip.tsx'
import { ResultCard } from './ResultCard.tsx'

export function MergeView({ start }: { readonly start: CartridgeSummary | null }) {
  const [base, setBase] = useState(start)
  const [text, setText] = useState('')
  const [name, setName] = useState('')
  const task = useTask('packets.merge')
  const settled = useSettled(text, 250)
  const counted = useRead(
    'packets.count',
    base === null || settled === '' ? null : { ref: base.packetId, text: settled },
    { keepsLast: true },
  )
  const suggested = base === null ? '' : `${base.name}, continued`.slice(0, 200)
  const running = task.status === 'running'
  return (
    <Panel title="Append" note="Read more into a state. The cartridge you start from stays as it is.">
      <div className="stack">
        {base === null ? (
          <CartridgeSelect label="Start from" onChange={setBase} />
        ) : (
          <ParentChip cartridge={base} onRemove={() => setBase(null)} />
        )}
        <TextArea
          label="What it should read next"
          rows={8}
          value={text}
          onChange={setText}
          placeholder="Paste the text that comes after"
        />
        <TextField label="Name of the new cartridge" value={name} onChange={setName} placeholder={suggested} />
        <div className="row wrap">
          <Button
            variant="primary"
            isDisabled={base === null || text === ''}
            isPending={running}
            onPress={() => {
              if (base === null) return
              void task.run({ ref: base.packetId, delta: text, name: name.trim() || suggested })
            }}
          >
            Append
          </Button>
          {running ? <Button onPress={task.cancel}>Cancel</Button> : null}
          {counted.data === undefined || base === null ? null : (
            <span className="small muted">
              {formatCounted(counted.data.count, 'token')} to read; {formatCount(base.tokens)} need not be read again
            </span>
          )}
        </div>
        {running ? <TaskProgress progress={task.progress} fallback="Restoring the state" /> : null}
        {task.status === 'failed' ? <ErrorPanel error={task.error} /> : null}
        {task.result === null ? null : (
          <ResultCard
            isAwaited={task.isAwaited}
            created={task.result}
            note={
              task.result.cacheHit
                ? 'This context was already stored: nothing was read again.'
                : `${formatCounted(task.result.tokensProcessed, 'token')} read in ${formatSeconds(task.result.seconds)}, ${formatBytes(task.result.bytesWritten)} written.${task.result.compacted ? ' The chain was compacted into one state.' : ''}`
            }
          />
        )}
      </div>
    </Panel>
  )
}
