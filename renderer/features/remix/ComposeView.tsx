/** Read the sources of several cartridges again, one after the other, in an order one drags: exact, for every kind of model. */
import { ArrowDown, ArrowUp, GripVertical } from 'lucide-react'
import { useState } from 'react'
import { Button as AriaButton, GridList, GridListItem, useDragAndDrop } from 'react-aria-components'
import { MOST_COMPOSED } from '#shared/domain/mostTogether.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCounted } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { CartridgeSelect } from '../inspect/CartridgeSelect.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { moveItem } from './moveItem.ts'
import { ParentChip } from './ParentChip.tsx'
import { ResultCard } from './ResultCard.tsx'

export function ComposeView({ start }: { readonly start: readonly CartridgeSummary[] }) {
  const [parents, setParents] = useState(start)
  const [name, setName] = useState('')
  const task = useTask('remix.compose')
  const running = task.status === 'running'
  const indexOf = (key: unknown) => parents.findIndex(parent => parent.packetId === key)
  const { dragAndDropHooks } = useDragAndDrop({
    getItems: keys => [...keys].map(key => ({ 'text/plain': String(key) })),
    onReorder: event => {
      const from = indexOf([...event.keys][0])
      const target = indexOf(event.target.key)
      const to = target + (event.target.dropPosition === 'after' ? 1 : 0)
      setParents(before => moveItem(before, from, from < to ? to - 1 : to))
    },
  })
  const models = new Set(parents.map(parent => parent.model.name))
  const first = parents[0]
  const suggested = parents
    .map(parent => parent.name)
    .join(' + ')
    .slice(0, 200)
  return (
    <Panel title="Compose" note="Reads all their texts again in this order, as one. Exact, for every kind of state.">
      <div className="stack">
        <GridList
          aria-label="Order of reading"
          className="ParentList"
          items={parents.map(parent => ({ ...parent, id: parent.packetId }))}
          dragAndDropHooks={dragAndDropHooks}
          renderEmptyState={() => <p className="muted small">Add the cartridges whose texts should be read as one.</p>}
        >
          {item => {
            const at = indexOf(item.packetId)
            return (
              <GridListItem textValue={item.name} className="ParentList-item">
                <AriaButton slot="drag" className="IconButton" aria-label={`Drag ${item.name}`}>
                  <GripVertical aria-hidden />
                </AriaButton>
                <span className="ParentList-number">{at + 1}</span>
                <ParentChip
                  cartridge={item}
                  onRemove={() => setParents(before => before.filter(parent => parent.packetId !== item.packetId))}
                >
                  <IconButton
                    label={`Read ${item.name} earlier`}
                    isDisabled={at === 0}
                    onPress={() => setParents(before => moveItem(before, at, at - 1))}
                  >
                    <ArrowUp aria-hidden />
                  </IconButton>
                  <IconButton
                    label={`Read ${item.name} later`}
                    isDisabled={at === parents.length - 1}
                    onPress={() => setParents(before => moveItem(before, at, at + 1))}
                  >
                    <ArrowDown aria-hidden />
                  </IconButton>
                </ParentChip>
              </GridListItem>
            )
          }}
        </GridList>
        {parents.length < MOST_COMPOSED ? (
          <CartridgeSelect
            label="Add a cartridge"
            without={parents.map(parent => parent.packetId)}
            onChange={chosen => setParents(before => [...before, chosen])}
          />
        ) : (
          <p className="Remix-note">
            {formatCounted(MOST_COMPOSED, 'cartridge')} are read as one at most. Compose these first, then append to
            what comes of it.
          </p>
        )}
        {models.size > 1 ? (
          <p className="Remix-note" data-tone="warn">
            They were made with different models ({[...models].join(', ')}). The texts will be read by{' '}
            {first?.model.name}.
          </p>
        ) : null}
        <TextField label="Name of the new cartridge" value={name} onChange={setName} placeholder={suggested} />
        <div className="row wrap">
          <Button
            variant="primary"
            isDisabled={parents.length < 2}
            isPending={running}
            onPress={() =>
              void task.run({
                refs: parents.map(parent => parent.packetId),
                name: name.trim() || suggested,
              })
            }
          >
            Compose
          </Button>
          {running ? <Button onPress={task.cancel}>Cancel</Button> : null}
          <span className="small muted">
            about{' '}
            {formatCounted(
              parents.reduce((sum, parent) => sum + parent.tokens, 0),
              'token',
            )}{' '}
            to read
          </span>
        </div>
        {running ? <TaskProgress progress={task.progress} fallback="Gathering the texts" /> : null}
        {task.status === 'failed' ? <ErrorPanel error={task.error} /> : null}
        {task.result === null ? null : (
          <ResultCard
            isAwaited={task.isAwaited}
            created={task.result}
            note={
              task.result.cacheHit
                ? 'This context was already stored: nothing was read again.'
                : `${formatCounted(task.result.tokensProcessed, 'token')} read.`
            }
          />
        )}
      </div>
    </Panel>
  )
}
