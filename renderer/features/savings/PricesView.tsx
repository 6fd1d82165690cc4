/** Prices as data: each with its source and date. Editing makes a new version of the list. */

import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Price } from '#shared/domain/prices.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { dotted } from '../../ui/dotted.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { IconButton } from '../../ui/IconButton.tsx'
import { NumberField } from '../../ui/NumberField.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { TextArea } from '../../ui/TextArea.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastDone } from '../../ui/toasts.tsx'

/** A price being edited; a cell may be empty while it is. */
interface Draft extends Omit<Price, 'input'> {
  readonly key: string
  readonly input: number | null
}

/** The list while it is being edited; what others save meanwhile takes nothing of it away. */
interface Edited {
  /** The version that it began as. */
  readonly of: number
  readonly drafts: readonly Draft[]
  /** The version it became; null: it is not saved. */
  readonly saved: number | null
}

function fromDraft({ key: _, input, ...rest }: Draft): Price | null {
  return input === null || rest.label.trim() === '' ? null : { ...rest, input }
}

interface PricesViewProps {
  readonly version: number
  readonly prices: readonly Price[]
}

const MONEY_FIELDS = [
  { id: 'input', title: 'Input' },
  { id: 'cachedInput', title: 'Cached' },
  { id: 'cacheWrite', title: 'Cache write' },
  { id: 'output', title: 'Output' },
] as const

export function PricesView({ version, prices }: PricesViewProps) {
  const task = useTask('savings.setPrices')
  const [edited, setEdited] = useState<Edited | null>(null)
  // What was saved stays until it has been read back.
  const isOwn = edited !== null && (edited.saved === null || version < edited.saved)
  const drafts = isOwn ? edited.drafts : prices.map(price => ({ ...price, key: price.id }))
  const parsed = drafts.map(fromDraft)
  const bad = parsed.includes(null)
  const edit = (change: (drafts: readonly Draft[]) => readonly Draft[]) =>
    setEdited(before =>
      isOwn && before !== null
        ? { ...before, drafts: change(before.drafts), saved: null }
        : { of: version, drafts: change(drafts), saved: null },
    )
  const set = (key: string, part: Partial<Draft>) =>
    edit(before => before.map(draft => (draft.key === key ? { ...draft, ...part } : draft)))
  const save = async () => {
    const saved = await task.run({ prices: parsed.filter(price => price !== null) })
    if (saved === null) return
    setEdited({ of: saved.version, drafts, saved: saved.version })
    toastDone('Prices saved', `Version ${saved.version}`)
  }
  const add = () => {
    const key = crypto.randomUUID()
    const date = new Date().toISOString().slice(0, 10)
    edit(before => [
      ...before,
      {
        key,
        id: `own-${key.slice(0, 8)}`,
        label: '',
        ...{ input: null, cachedInput: null, output: null, cacheWrite: null },
        source: 'entered here',
        date,
      },
    ])
  }
  return (
    <Panel
      title="Prices"
      note={dotted('dollars per million tokens', `version ${version}`)}
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
      {isOwn && edited.saved === null && version > edited.of ? (
        <p role="status">
          Prices were changed in another window. Saving replaces them.{' '}
          <Button size="s" variant="quiet" onPress={() => setEdited(null)}>
            Show those instead
          </Button>
        </p>
      ) : null}
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
                    <NumberField
                      aria-label={`${title} price of ${draft.label}`}
                      placeholder="none"
                      min={0}
                      max={1e6}
                      value={draft[id]}
                      onChange={value => set(draft.key, { [id]: value })}
                      onEmpty={() => set(draft.key, { [id]: null })}
                    />
                  </td>
                ))}
                <td className="Prices-source">
                  <TextArea
                    aria-label={`Source of ${draft.label}`}
                    rows={2}
                    value={draft.source}
                    onChange={source => set(draft.key, { source: source.replaceAll('\n', ' ') })}
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
                    onPress={() => edit(before => before.filter(other => other.key !== draft.key))}
                  >
                    <Trash2 aria-hidden />
                  </IconButton>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="Prices-note small muted">
        An empty cell means that the provider has no such price. Providers change theirs: check the source before you
        rely on it.
      </p>
    </Panel>
  )
}
