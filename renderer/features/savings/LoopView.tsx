/** State Pack's agent loop, really run on a model here: reading everything again each step beside state plus delta. */
import { Play } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import type { Price } from '#shared/domain/prices.ts'
import { useRead } from '../../stores/useRead.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import {
  formatCount,
  formatCounted,
  formatMoney,
  formatPercent,
  formatRatio,
  formatSaving,
  formatSeconds,
  formatShort,
} from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { Select } from '../../ui/Select.tsx'
import { Stat } from '../../ui/Stat.tsx'
import { TextArea } from '../../ui/TextArea.tsx'
import { VirtualTable } from '../../ui/VirtualTable.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { LineChart } from './charts/LineChart.tsx'
import { cumulative, type LoopStep, loopSample } from './loopSample.ts'
import { NumberInput } from './NumberInput.tsx'
import './calculator/calculator.css'

type Measure = 'tokens' | 'seconds' | 'money' | 'table'
type Variant = 'state-pack' | 'honest'

const VARIANTS: Readonly<Record<Variant, string>> = {
  'state-pack':
    "State Pack's own way of counting: the base is read before the clock starts, nothing is generated, nothing touches the disk.",
  honest: 'Everything included: reading the base, restoring from disk, seam-exact tokens, outputs kept.',
}

export function LoopView({
  price,
  defaultModel,
}: {
  readonly price: Price | null
  readonly defaultModel: string | null
}) {
  const models = useRead('models.list', {})
  const [steps, setSteps] = useState<readonly LoopStep[]>([])
  const task = useTask('savings.agentLoop', {
    onProgress: ({ sample }) => {
      const step = loopSample(sample)
      if (step !== null) setSteps(before => [...before, step])
    },
  })
  const [chosen, setChosen] = useState<string | null>(null)
  const [count, setCount] = useState(20)
  const [variant, setVariant] = useState<Variant>('honest')
  const [base, setBase] = useState('')
  const [delta, setDelta] = useState('')
  const [measure, setMeasure] = useState<Measure>('tokens')
  const ready = (models.data?.models ?? []).filter(model => model.status === 'ready')
  const model = chosen ?? ready.find(entry => entry.id === defaultModel)?.id ?? ready[0]?.id ?? null
  const running = task.status === 'running'
  const rows = cumulative(task.result?.steps ?? steps)
  const last = rows.at(-1)
  const perToken = (price?.input ?? 0) / 1e6

  const start = () => {
    if (model === null) return
    setSteps([])
    void task.run({
      model,
      steps: count,
      variant,
      ...(base.trim() === '' ? {} : { base }),
      ...(delta.trim() === '' ? {} : { delta }),
    })
  }

  return (
    <>
      <Panel
        title="Agent loop"
        note="re-reading everything, and a state plus what is new, side by side"
        actions={
          running ? (
            <Button onPress={task.cancel}>Cancel</Button>
          ) : (
            <Button variant="primary" icon={<Play aria-hidden />} isDisabled={model === null} onPress={start}>
              {task.result === null ? 'Run benchmark' : 'Run again'}
            </Button>
          )
        }
      >
        <div className="LoopForm">
          <Select
            label="Model"
            options={ready.map(entry => ({ id: entry.id, label: entry.name }))}
            value={model}
            onChange={setChosen}
            isDisabled={running}
          />
          <NumberInput label="Steps" min={1} max={500} integer slideTo={100} value={count} onChange={setCount} />
          <div className="Field">
            <span className="Field-label">Counting</span>
            <SegmentedControl<Variant>
              label="Counting"
              value={variant}
              onChange={setVariant}
              segments={[
                { id: 'honest', label: 'Honest' },
                { id: 'state-pack', label: 'State Pack' },
              ]}
            />
            <span className="Field-hint">{VARIANTS[variant]}</span>
          </div>
        </div>
        <details className="Group">
          <summary>
            <b className="Group-title">Your own text</b>{' '}
            <span className="muted small">
              {base.trim() === '' && delta.trim() === '' ? "State Pack's texts are used" : 'yours is used'}
            </span>
          </summary>
          <div className="LoopTexts">
            <TextArea
              label="Base, read once"
              rows={4}
              value={base}
              onChange={setBase}
              placeholder="You are an autonomous legal research agent …"
            />
            <TextArea
              label="Delta of each step"
              rows={4}
              value={delta}
              onChange={setDelta}
              placeholder="Step {i}: Tool observation says …"
              hint="{i} becomes the number of the step."
            />
          </div>
        </details>
        {running ? <TaskProgress progress={task.progress} fallback="Opening the model" /> : null}
        {task.status === 'failed' ? (
          <ErrorPanel error={task.error} action={{ label: 'Run again', onPress: start }} />
        ) : null}
        {task.status === 'cancelled' ? (
          <p className="muted small">Stopped after {rows.length} steps. No receipt was written.</p>
        ) : null}
      </Panel>
      {last === undefined ? null : (
        <>
          <div className="Stats">
            <Stat
              label="Tokens not re-read"
              value={formatSaving(last.naiveTokens - last.stateTokens, formatCount)}
              note={formatSaving(
                last.naiveTokens === 0 ? 0 : (1 - last.stateTokens / last.naiveTokens) * 100,
                formatPercent,
              )}
              tone={last.stateTokens < last.naiveTokens ? 'ok' : 'warn'}
            />
            <Stat
              label="Re-reading everything"
              value={formatCount(last.naiveTokens)}
              note={`tokens, ${formatSeconds(last.naiveSeconds)}`}
            />
            <Stat
              label="State packs"
              value={formatCount(last.stateTokens)}
              note={`tokens, ${formatSeconds(last.stateSeconds)}`}
            />
            <Stat
              label="Speed-up"
              value={last.stateSeconds === 0 ? 'unmeasured' : formatRatio(last.naiveSeconds / last.stateSeconds)}
              note={last.stateSeconds > last.naiveSeconds ? 'slower than reading again' : 'measured'}
              tone={last.stateSeconds > last.naiveSeconds ? 'warn' : 'muted'}
            />
          </div>
          <Panel
            title={`Agent loop, ${formatCounted(rows.length, 'step')}`}
            note={
              task.result === null ? (
                running ? (
                  'running'
                ) : (
                  'stopped'
                )
              ) : (
                <Link className="link" to={`/receipts/${encodeURIComponent(task.result.receiptId)}`}>
                  the receipt
                </Link>
              )
            }
            actions={
              <SegmentedControl<Measure>
                label="What to draw"
                value={measure}
                onChange={setMeasure}
                segments={[
                  { id: 'tokens', label: 'Tokens' },
                  { id: 'seconds', label: 'Seconds' },
                  ...(price === null ? [] : [{ id: 'money' as const, label: 'Money' }]),
                  { id: 'table', label: 'Table' },
                ]}
              />
            }
          >
            {measure === 'table' ? (
              <VirtualTable
                caption="Steps of the agent loop"
                maxHeight={320}
                rows={rows}
                rowKey={row => String(row.step)}
                columns={[
                  { id: 'step', title: 'Step', width: '70px', numeric: true, cell: row => row.step },
                  {
                    id: 'naive',
                    title: 'Re-read, so far',
                    width: '1fr',
                    numeric: true,
                    cell: row => formatCount(row.naiveTokens),
                  },
                  {
                    id: 'state',
                    title: 'State packs, so far',
                    width: '1fr',
                    numeric: true,
                    cell: row => formatCount(row.stateTokens),
                  },
                  {
                    id: 'ns',
                    title: 'Re-read',
                    width: '100px',
                    numeric: true,
                    cell: row => formatSeconds(row.naiveSeconds),
                  },
                  {
                    id: 'ss',
                    title: 'State packs',
                    width: '100px',
                    numeric: true,
                    cell: row => formatSeconds(row.stateSeconds),
                  },
                ]}
              />
            ) : (
              <LineChart
                label={`Cumulative ${measure} of ${rows.length} steps`}
                rows={rows}
                endX={running ? count : undefined}
                x={row => row.step}
                formatX={formatCount}
                formatY={measure === 'seconds' ? formatSeconds : measure === 'money' ? formatMoney : formatShort}
                formatValue={measure === 'seconds' ? formatSeconds : measure === 'money' ? formatMoney : formatCount}
                series={[
                  {
                    id: 'naive',
                    label: 're-reading everything',
                    of: row =>
                      measure === 'seconds'
                        ? row.naiveSeconds
                        : measure === 'money'
                          ? row.naiveTokens * perToken
                          : row.naiveTokens,
                    tone: 'other',
                  },
                  {
                    id: 'state',
                    label: 'state packs',
                    of: row =>
                      measure === 'seconds'
                        ? row.stateSeconds
                        : measure === 'money'
                          ? row.stateTokens * perToken
                          : row.stateTokens,
                    tone: 'main',
                  },
                ]}
              />
            )}
          </Panel>
        </>
      )}
    </>
  )
}
