import { useState } from 'react'
import type { MemoryTierView } from '#shared/rpc/methods/memory.ts'
import { Button } from '../../ui/Button.tsx'
import { formatBytes } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { Slider } from '../../ui/Slider.tsx'
import { budgetStops } from './budgetStops.ts'
import { StackBar } from './StackBar.tsx'

const TEXT = {
  hot: { title: 'Hot', what: 'Buffers that models run in' },
  warm: { title: 'Warm', what: 'States kept decoded, ready to run' },
} as const

interface TierPanelProps {
  readonly view: MemoryTierView
  readonly machineBytes: number
  readonly onBudget: (bytes: number) => void
  readonly onPurge: () => void
}

/** How full one tier is, how full it may be, and a way to empty it. */
export function TierPanel({ view, machineBytes, onBudget, onPurge }: TierPanelProps) {
  const { tier, bytes, budget, inUse, pinned } = view
  const { title, what } = TEXT[tier]
  // Where the thumb is while it is being moved.
  const [moving, setMoving] = useState<number | null>(null)
  const stops = budgetStops(budget, machineBytes)
  const at = moving ?? stops.indexOf(budget)
  const bytesAt = (index: number) => stops[index] ?? budget
  const idle = bytes - inUse - pinned
  return (
    <Panel
      title={title}
      actions={
        <Button size="s" isDisabled={idle === 0} onPress={onPurge}>
          Purge<span className="visually-hidden"> what is not used in {tier}</span>
        </Button>
      }
    >
      <p className="small muted">{what}</p>
      <p className="Memory-figure">
        <b>{formatBytes(bytes)}</b> <span className="muted">of {formatBytes(budget)}</span>
      </p>
      <StackBar
        label={`${title}: ${formatBytes(bytes)} of ${formatBytes(budget)}`}
        segments={[
          { label: 'In use', bytes: inUse, tone: tier },
          { label: 'Pinned', bytes: pinned, tone: 'kept' },
          { label: 'Idle', bytes: idle, tone: 'rest' },
          { label: 'Free', bytes: Math.max(0, budget - bytes), tone: 'free' },
        ]}
      />
      {bytes > budget ? (
        <p className="small Memory-over">
          {formatBytes(bytes - budget)} over its budget, in use or pinned; it goes when it is let go of.
        </p>
      ) : null}
      <Slider
        label={`Budget of ${tier}`}
        value={at}
        max={stops.length - 1}
        format={index => formatBytes(bytesAt(index))}
        onChange={setMoving}
        onChangeEnd={index => {
          setMoving(null)
          if (bytesAt(index) !== budget) onBudget(bytesAt(index))
        }}
      />
    </Panel>
  )
}
