import { type ReactNode, useState } from 'react'
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
  cold: { title: 'Cold', what: 'On disk: what is stored, and what left memory' },
} as const

interface TierPanelProps {
  readonly view: MemoryTierView
  /** The largest budget there can be. */
  readonly mostBytes: number
  readonly onBudget: (bytes: number) => void
  readonly onPurge: () => void
  /** What else there is to say of it. */
  readonly children?: ReactNode
}

/** How full one tier is, how full it may be, and a way to empty it. */
export function TierPanel({ view, mostBytes, onBudget, onPurge, children }: TierPanelProps) {
  const { tier, bytes, budget, inUse, pinned, own } = view
  const { title, what } = TEXT[tier]
  // Where the thumb is while it is being moved.
  const [moving, setMoving] = useState<number | null>(null)
  const stops = budgetStops(budget, { most: mostBytes, least: tier === 'cold' ? 0 : undefined })
  const at = moving ?? stops.indexOf(budget)
  const bytesAt = (index: number) => stops[index] ?? budget
  const idle = bytes - inUse - pinned - own
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
          ...(tier === 'cold'
            ? [
                { label: 'Stored', bytes: own, tone: 'kept' as const },
                { label: 'Held', bytes: inUse + pinned, tone: tier },
              ]
            : [
                { label: 'In use', bytes: inUse, tone: tier },
                { label: 'Pinned', bytes: pinned, tone: 'kept' as const },
              ]),
          { label: 'Idle', bytes: idle, tone: 'rest' },
          { label: 'Free', bytes: Math.max(0, budget - bytes), tone: 'free' },
        ]}
      />
      {bytes > budget ? (
        <p className="small Memory-over">
          {formatBytes(bytes - budget)} over its budget,{' '}
          {own > budget
            ? 'by what is stored: delete some of it, or raise the budget.'
            : 'in use or pinned; it goes when it is let go of.'}
        </p>
      ) : null}
      {children}
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
