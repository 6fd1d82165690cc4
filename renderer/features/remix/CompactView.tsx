/** Compact a chain of steps into one cartridge: the same context in one piece, or without the steps one leaves out. */

import { useState } from 'react'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { useRead } from '../../stores/useRead.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { dotted } from '../../ui/dotted.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatBytes, formatCounted, formatSeconds } from '../../ui/format.ts'
import { textName } from '../../ui/operationWords.ts'
import { Panel } from '../../ui/Panel.tsx'
import { Switch } from '../../ui/Switch.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { CartridgeSelect } from '../inspect/CartridgeSelect.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { ParentChip } from './ParentChip.tsx'
import { ResultCard } from './ResultCard.tsx'
import { stepWords } from './stepWords.ts'
import { readSteps, whyNotCompact } from './whyNotCompact.ts'

export function CompactView({ start }: { readonly start: CartridgeSummary | null }) {
  const [cartridge, setCartridge] = useState(start)
  const [dropped, setDropped] = useState<readonly number[]>([])
  const [name, setName] = useState('')
  const task = useTask('packets.compact')
  const read = useRead('library.get', cartridge === null ? null : { ref: cartridge.packetId })
  const detail = read.data ?? null
  const reads = readSteps(detail?.recipe?.steps ?? [])
  const texts = detail?.sources.map(({ text }) => text) ?? []
  const why = detail === null ? null : whyNotCompact(detail)
  const suggested = cartridge === null ? '' : `${cartridge.name}, compact`.slice(0, 200)
  const running = task.status === 'running'
  return (
    <Panel title="Compact" note="Makes one cartridge of a chain, so that its ancestors can be let go.">
      <div className="stack">
        {cartridge === null ? (
          <CartridgeSelect label="Compact which chain" onChange={setCartridge} />
        ) : (
          <ParentChip
            cartridge={cartridge}
            onRemove={() => {
              setCartridge(null)
              setDropped([])
            }}
          />
        )}
        {why !== null || reads.length < 2 ? null : (
          <fieldset className="Steps">
            <legend className="Field-label">Steps to keep</legend>
            {reads.map((step, index) => (
              <Switch
                // biome-ignore lint/suspicious/noArrayIndexKey: the contract names texts by their place
                key={index}
                isSelected={!dropped.includes(index)}
                isDisabled={running}
                onChange={keep =>
                  setDropped(before => (keep ? before.filter(other => other !== index) : [...before, index]))
                }
              >
                {index + 1}. {stepWords(step, texts[index])}
              </Switch>
            ))}
          </fieldset>
        )}
        <p className="Remix-note">
          {why ??
            (dropped.length === 0
              ? 'The context stays the same, token for token: it answers as before. What is freed are the states of its ancestors that nothing else needs.'
              : `Leaving out ${dropped.length === 1 ? 'a step' : formatCounted(dropped.length, 'step')} makes a new context: it has to be read again, and it will not know what was left out.`)}
        </p>
        <TextField label="Name of the new cartridge" value={name} onChange={setName} placeholder={suggested} />
        <div className="row wrap">
          <Button
            variant="primary"
            isDisabled={detail === null || why !== null}
            isPending={running}
            onPress={() => {
              if (cartridge === null) return
              void task.run({
                ref: cartridge.packetId,
                dropSteps: [...dropped],
                name: name.trim() || suggested,
              })
            }}
          >
            Compact
          </Button>
          {running ? <Button onPress={task.cancel}>Cancel</Button> : null}
        </div>
        {running ? <TaskProgress progress={task.progress} fallback="Compacting the steps" /> : null}
        {task.status === 'failed' ? <ErrorPanel error={task.error} /> : null}
        {task.result === null ? null : (
          <ResultCard
            isAwaited={task.isAwaited}
            created={task.result.created}
            note={dotted(
              `${formatCounted(task.result.stepsFolded, 'step')} compacted in ${formatSeconds(task.result.created.seconds)}`,
              task.result.bytesFreed > 0
                ? `${formatBytes(task.result.bytesFreed)} can be freed`
                : 'nothing could be freed',
              task.result.dropped.length > 0 && `left out: ${task.result.dropped.map(textName).join(', ')}`,
            )}
          />
        )}
      </div>
    </Panel>
  )
}
