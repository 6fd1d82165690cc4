/** The same loop against a hosted model on the person's own key. */
import { Play } from 'lucide-react'
import { useState } from 'react'
import type { Price } from '#shared/domain/prices.ts'
import type { Input } from '#shared/rpc/client.ts'
import { useRead } from '../../stores/useRead.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount, formatMoney, formatSeconds } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { Select } from '../../ui/Select.tsx'
import { Switch } from '../../ui/Switch.tsx'
import { Table } from '../../ui/Table.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { NumberInput } from './NumberInput.tsx'
import { ProviderKeyField } from './ProviderKeyField.tsx'
import './calculator/calculator.css'

type Mode = Input<'savings.providerBenchmark'>['modes'][number]

const MODES = [
  { id: 'full-history', label: 'Full history', what: 'Everything is sent again at each step.' },
  {
    id: 'provider-caching',
    label: 'Full history, cached',
    what: 'The same, arranged so that the provider can find the beginning in its cache.',
  },
  {
    id: 'context-discipline',
    label: 'Context discipline',
    what: 'Only the instructions and the newest step are sent: earlier steps are dropped and forgotten.',
  },
] as const satisfies readonly { id: Mode; label: string; what: string }[]

export function ProviderView({ prices, price }: { readonly prices: readonly Price[]; readonly price: Price | null }) {
  const task = useTask('savings.providerBenchmark')
  const [endpoint, setEndpoint] = useState('https://api.openai.com/v1')
  const [apiKey, setApiKey] = useState('')
  const kept = useRead('savings.providerKey', {}).data ?? null
  const [model, setModel] = useState('gpt-4o-mini')
  const [steps, setSteps] = useState(20)
  const [maxTokens, setMaxTokens] = useState(64)
  const [cap, setCap] = useState(0.5)
  const [priceId, setPriceId] = useState<string | null>(null)
  const [modes, setModes] = useState<readonly Mode[]>(['full-history', 'provider-caching'])
  const chosen = prices.find(entry => entry.id === priceId) ?? price ?? prices[0] ?? null
  const running = task.status === 'running'
  const start = () => {
    if (chosen === null) return
    const key = apiKey === '' ? {} : { apiKey }
    const request = { endpoint, ...key, model, steps, maxTokens, modes: [...modes] }
    void task.run({ ...request, price: chosen, spendingCapUsd: cap })
  }
  return (
    <Panel
      title="Your provider"
      note="Real requests, paid on your key"
      actions={
        running ? (
          <Button onPress={task.cancel}>Cancel</Button>
        ) : (
          <Button
            variant="primary"
            icon={<Play aria-hidden />}
            isDisabled={endpoint.trim() === '' || model === '' || modes.length === 0 || chosen === null}
            onPress={start}
          >
            Run it
          </Button>
        )
      }
    >
      <div className="stack">
        <p className="Calculator-note" data-tone="warn">
          Hosted APIs accept text, not states, so no mode here is a state pack. This shows what full history costs
          there, and how far the provider's own caching goes.
        </p>
        <div className="Fields Fields--wide">
          <TextField
            label="Endpoint (OpenAI-compatible)"
            mono
            value={endpoint}
            onChange={setEndpoint}
            hint="Its base address or that of chat/completions; http on this computer only."
          />
          <ProviderKeyField kept={kept} value={apiKey} onChange={setApiKey} />
          <TextField label="Model" mono value={model} onChange={setModel} />
          <Select
            label="Prices"
            options={prices.map(entry => ({ id: entry.id, label: entry.label }))}
            value={chosen?.id ?? null}
            onChange={setPriceId}
          />
          <NumberInput label="Steps" min={1} max={100} integer value={steps} onChange={setSteps} />
          <NumberInput
            label="Most tokens per reply"
            min={1}
            max={1024}
            integer
            value={maxTokens}
            onChange={setMaxTokens}
          />
          <NumberInput
            label="Stop at ($)"
            min={0.01}
            max={100_000}
            value={cap}
            onChange={setCap}
            hint="The run ends before it would cost more."
          />
        </div>
        <fieldset className="Modes">
          <legend className="Field-label">What to compare</legend>
          {MODES.map(mode => (
            <div key={mode.id}>
              <Switch
                isSelected={modes.includes(mode.id)}
                isDisabled={running}
                onChange={on => setModes(before => (on ? [...before, mode.id] : before.filter(id => id !== mode.id)))}
              >
                {mode.label}
              </Switch>
              <p className="small muted">{mode.what}</p>
            </div>
          ))}
        </fieldset>
        {running ? <TaskProgress progress={task.progress} fallback="Sending the first step" /> : null}
        {task.status === 'failed' ? (
          <ErrorPanel error={task.error} action={{ label: 'Run again', onPress: start }} />
        ) : null}
        {task.result === null ? null : (
          <>
            <p role="status">
              {formatMoney(task.result.spentUsd)} spent.
              {task.result.stoppedByCap ? ' Stopped by your cap before the end.' : ''}
              {task.result.variesByRun ? ' This model fixes its own temperature: replies vary from run to run.' : ''}
            </p>
            <Table
              caption="Result by mode"
              rows={task.result.modes}
              rowKey={row => row.mode}
              columns={[
                { id: 'mode', title: 'Mode', cell: row => MODES.find(mode => mode.id === row.mode)?.label ?? row.mode },
                { id: 'steps', title: 'Steps', numeric: true, cell: row => formatCount(row.steps) },
                { id: 'input', title: 'Input tokens', numeric: true, cell: row => formatCount(row.inputTokens) },
                { id: 'cached', title: 'of them cached', numeric: true, cell: row => formatCount(row.cachedTokens) },
                { id: 'output', title: 'Output tokens', numeric: true, cell: row => formatCount(row.outputTokens) },
                { id: 'usd', title: 'Cost', numeric: true, cell: row => formatMoney(row.usd) },
                { id: 'seconds', title: 'Time', numeric: true, cell: row => formatSeconds(row.seconds) },
              ]}
            />
          </>
        )}
      </div>
    </Panel>
  )
}
