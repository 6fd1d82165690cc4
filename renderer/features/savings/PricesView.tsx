/** Prices as data: each with its source and date. Editing makes a new version of the list. */
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Price } from '#shared/domain/prices.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { IconButton } from '../../ui/IconButton.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastDone } from '../../ui/toasts.tsx'

interface Draft {
  readonly key: string
  readonly id: string
  readonly label: string
  readonly input: string
  readonly cachedInput: string
  readonly output: string
  readonly cacheWrite: string
  readonly source: string
  readonly date: string
}

const text = (value: number | null) => (value === null ? '' : String(value))

function toDraft(price: Price): Draft {
  return {
    ...price,
    key: price.id,
    input: text(price.input),
    cachedInput: text(price.cachedInput),
    output: text(price.output),
    cacheWrite: text(price.cacheWrite),
  }
}

/** A price in dollars; null for an empty field where that is allowed; undefined when it is no number. */
function dollars(value: string): number | null | undefined {
  if (value.trim() === '') return null
  const number = Number(value)
  return Number.isFinite(number) && number >= 0 ? number : undefined
}

function fromDraft(draft: Draft): Price | null {
  const { key: _, ...rest } = draft
  const input = dollars(draft.input)
  const cachedInput = dollars(draft.cachedInput)
  const output = dollars(draft.output)
  const cacheWrite = dollars(draft.cacheWrite)
  if (typeof input !== 'number' || cachedInput === undefined || output === undefined || cacheWrite === undefined)
    return null
  return draft.label.trim() === '' ? null : { ...rest, input, cachedInput, output, cacheWrite }
}

interface PricesViewProps {
  readonly version: number
  readonly prices: readonly Price[]
  readonly onSaved: () => void
}

const MONEY_FIELDS = [
  { id: 'input', title: 'Input' },
  { id: 'cachedInput', title: 'Cached' },
  { id: 'cacheWrite', title: 'Cache write' },
  { id: 'output', title: 'Output' },
] as const

export function PricesView({ version, prices, onSaved }: PricesViewProps) {
  const task = useTask('savings.setPrices')
  const [drafts, setDrafts] = useState(() => prices.map(toDraft))
  const parsed = drafts.map(fromDraft)
  const bad = parsed.includes(null)
  const set = (key: string, part: Partial<Draft>) =>
    setDrafts(before => before.map(draft => (draft.key === key ? { ...draft, ...part } : draft)))
  const save = async () => {
    const saved = await task.run({ prices: parsed.filter(price => price !== null) })
    if (saved === null) return
    toastDone('Prices saved', `Version ${saved.version}`)
    onSaved()
  }
  const add = () => {
    const key = crypto.randomUUID()
    const date = new Date().toISOString().slice(0, 10)
    setDrafts(before => [
      ...before,
      {
        key,
        id: `own-${key.slice(0, 8)}`,
        label: '',
        input: '',
        cachedInput: '',
        output: '',
        cacheWrite: '',
        source: 'entered here',
        date,
      },
    ])
  }
  return (
    <Panel
      title="Prices"
      note={`dollars per million tokens · version ${version}`}
      actions={
        <>
          <Button size="s" icon={<Plus aria-hidden />} onPress={add}>
            Add a price
          </Button>
          <Button
            size="s"
            variant="primary"
            isDisabled={bad}
            isPending={task.status === 'running'}
            onPress={() => void save()}
          >
            Save
          </Button>
        </>
      }
    >
      {task.status === 'failed' ? <ErrorPanel error={task.error} /> : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it */}
      <section className="Table-wrap" aria-label="Prices" tabIndex={0}>
        <table className="Table Prices">
          <thead>
            <tr>
              <th scope="col">Model</th>
              {MONEY_FIELDS.map(field => (
                <th scope="col" key={field.id}>
                  {field.title}
                </th>
              ))}
              <th scope="col">Source</th>
              <th scope="col">As of</th>
              <th scope="col">
                <span className="visually-hidden">Remove</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {drafts.map(draft => (
              <tr key={draft.key}>
                <td>
                  <TextField
                    aria-label="Model"
                    value={draft.label}
                    onChange={label => set(draft.key, { label })}
                    isInvalid={draft.label.trim() === ''}
                  />
                </td>
                {MONEY_FIELDS.map(({ id, title }) => (
                  <td key={id} className="Prices-money">
                    <TextField
                      aria-label={`${title} price of ${draft.label}`}
                      inputMode="decimal"
                      placeholder="none"
                      value={draft[id]}
                      onChange={value => set(draft.key, { [id]: value })}
                      isInvalid={dollars(draft[id]) === undefined || (id === 'input' && draft[id].trim() === '')}
                    />
                  </td>
                ))}
                <td>
                  <TextField
                    aria-label={`Source of ${draft.label}`}
                    value={draft.source}
                    onChange={source => set(draft.key, { source })}
                  />
                </td>
                <td className="Prices-date">
                  <TextField
                    aria-label={`Date of ${draft.label}`}
                    value={draft.date}
                    onChange={date => set(draft.key, { date })}
                  />
                </td>
                <td>
                  <IconButton
                    label={`Remove ${draft.label}`}
                    onPress={() => setDrafts(before => before.filter(other => other.key !== draft.key))}
                  >
                    <Trash2 aria-hidden />
                  </IconButton>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="small muted">
        An empty cell means that the provider has no such price. Providers change theirs: check the source before you
        rely on it.
      </p>
    </Panel>
  )
}
