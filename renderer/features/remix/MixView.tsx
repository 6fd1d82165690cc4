/** A weighted mean of recurrent states, with its answers shown while one moves the sliders. */
import { Plus, X } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { Output } from '#shared/rpc/client.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { useTask } from '../../stores/useTask.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatFixed, formatPercent } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { Slider } from '../../ui/Slider.tsx'
import { Stat } from '../../ui/Stat.tsx'
import { Table } from '../../ui/Table.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { CartridgeSelect } from '../inspect/CartridgeSelect.tsx'
import { ParentChip } from './ParentChip.tsx'
import { ResultCard } from './ResultCard.tsx'
import { useDebounced } from './useDebounced.ts'
import { whyNoMix } from './whyNoMix.ts'

type MixAnswer = Output<'remix.preview'>['answers'][number]

interface Part {
  readonly cartridge: CartridgeSummary
  /** 0 to 100, before all are scaled to a sum of one. */
  readonly share: number
}

interface MixViewProps {
  readonly start: CartridgeSummary | null
  readonly onOther: (verb: 'append' | 'compose') => void
}

export function MixView({ start, onOther }: MixViewProps) {
  const [parts, setParts] = useState<readonly Part[]>(start === null ? [] : [{ cartridge: start, share: 50 }])
  const [name, setName] = useState('')
  const [own, setOwn] = useState<readonly string[]>([])
  const [draft, setDraft] = useState('')
  const task = useTask('remix.mix')
  const sum = parts.reduce((total, part) => total + part.share, 0)
  const weights = parts.map(part => (sum === 0 ? 0 : part.share / sum))
  const refusal = whyNoMix(parts.map(part => part.cartridge))
  const suggested = parts
    .map(part => part.cartridge.name)
    .join(' × ')
    .slice(0, 200)
  const ready = parts.length >= 2 && refusal === null && sum > 0
  const parents = parts.map((part, index) => ({ ref: part.cartridge.packetId, weight: weights[index] ?? 0 }))

  // The questions that the parents say they can answer, a few of each, and the person's own.
  const a = useQuery('library.get', parts[0] === undefined ? null : { ref: parts[0].cartridge.packetId })
  const b = useQuery('library.get', parts[1] === undefined ? null : { ref: parts[1].cartridge.packetId })
  const known = useMemo(
    () => [...(a.data?.exampleQuestions ?? []).slice(0, 4), ...(b.data?.exampleQuestions ?? []).slice(0, 4)],
    [a.data, b.data],
  )
  const questions = [...new Set([...known, ...own])].slice(0, 40)
  const asked = useDebounced({ parents, questions }, 450)
  const preview = useQuery(
    'remix.preview',
    ready && asked.parents.length === parts.length && asked.questions.length > 0 ? asked : null,
  )

  const add = () => {
    if (draft.trim() === '') return
    setOwn(before => [...before, draft.trim()])
    setDraft('')
  }

  return (
    <>
      <Panel
        title="Mix"
        note="A weighted mean of recurrent states. It keeps a part of each; how much is measured below."
      >
        <div className="stack">
          {parts.map((part, index) => (
            <ParentChip
              key={part.cartridge.packetId}
              cartridge={part.cartridge}
              onRemove={() =>
                setParts(before => before.filter(other => other.cartridge.packetId !== part.cartridge.packetId))
              }
            >
              <span className="Parent-slider">
                <Slider
                  label={`Weight of ${part.cartridge.name}`}
                  hideLabel
                  value={part.share}
                  onChange={share =>
                    setParts(before =>
                      before.map(other =>
                        other.cartridge.packetId === part.cartridge.packetId ? { ...other, share } : other,
                      ),
                    )
                  }
                  format={() => formatPercent((weights[index] ?? 0) * 100)}
                />
              </span>
              <b className="Parent-weight">{formatPercent((weights[index] ?? 0) * 100)}</b>
            </ParentChip>
          ))}
          <CartridgeSelect
            label={parts.length === 0 ? 'Choose the first cartridge' : 'Add a cartridge'}
            kind="ssm"
            without={parts.map(part => part.cartridge.packetId)}
            onChange={cartridge => setParts(before => [...before, { cartridge, share: 50 }])}
          />
          {refusal === null ? null : (
            <div className="Remix-note" data-tone="warn" role="alert">
              <p>{refusal}</p>
              <div className="row wrap">
                <Button size="s" onPress={() => onOther('append')}>
                  Append a text instead
                </Button>
                <Button size="s" onPress={() => onOther('compose')}>
                  Compose instead
                </Button>
              </div>
            </div>
          )}
          <TextField label="Name of the new cartridge" value={name} onChange={setName} placeholder={suggested} />
          <div className="row wrap">
            <Button
              variant="primary"
              isDisabled={!ready}
              isPending={task.status === 'running'}
              onPress={() => void task.run({ parents, name: name.trim() || suggested })}
            >
              Keep this mix
            </Button>
            {ready ? null : <span className="small muted">Choose at least two recurrent cartridges of one model.</span>}
          </div>
          {task.status === 'failed' ? <ErrorPanel error={task.error} /> : null}
          {task.result === null ? null : (
            <ResultCard
              cartridge={task.result.cartridge}
              receipt={task.result.receipt}
              note="Mixed without reading a single token."
            />
          )}
        </div>
      </Panel>
      {!ready ? null : (
        <Panel title="Preview" note={preview.loading ? 'asking …' : 'asked of a mix that is not stored'}>
          <div className="stack">
            {preview.error === null ? null : (
              <ErrorPanel error={preview.error} action={{ label: 'Ask again', onPress: preview.reload }} />
            )}
            {preview.data === null ? null : (
              <div className="Stats" aria-busy={preview.loading}>
                {preview.data.kept.map(({ packetId, kept, asked: of }) => (
                  <Stat
                    key={packetId}
                    label={`Kept of ${parts.find(part => part.cartridge.packetId === packetId)?.cartridge.name ?? 'a parent'}`}
                    value={of === 0 ? 'not asked' : formatPercent((kept / of) * 100)}
                    note={`${kept} of ${of} answers`}
                  />
                ))}
                {preview.data.kl === null ? null : (
                  <Stat
                    label="Distance to reading both texts"
                    value={formatFixed(preview.data.kl, 3)}
                    note="KL divergence, bits; 0 is equal"
                  />
                )}
              </div>
            )}
            <form
              className="QuestionForm"
              onSubmit={event => {
                event.preventDefault()
                add()
              }}
            >
              <TextField label="Ask the mix" value={draft} onChange={setDraft} placeholder="A short question" />
              <Button type="submit" icon={<Plus aria-hidden />} isDisabled={draft.trim() === ''}>
                Add
              </Button>
            </form>
            {questions.length === 0 ? <p className="muted small">Add a question to see what the mix answers.</p> : null}
            {preview.data === null ? null : (
              <Table
                caption="Answers of the mix and of its parents"
                rows={preview.data.answers}
                rowKey={answer => answer.question}
                columns={[
                  { id: 'question', title: 'Question', cell: answer => answer.question },
                  { id: 'answer', title: 'The mix', cell: answer => <b className="MixAnswer">{answer.answer}</b> },
                  ...parts.map((part, index) => ({
                    id: part.cartridge.packetId,
                    title: part.cartridge.name,
                    cell: ({ parents: given }: MixAnswer) => (
                      <span className="row">
                        <span className="muted">{given[index]?.answer}</span>
                        {given[index]?.kept ? <Badge tone="ok">kept</Badge> : null}
                      </span>
                    ),
                  })),
                  ...(own.length === 0
                    ? []
                    : [
                        {
                          id: 'remove',
                          title: 'Own',
                          cell: (answer: MixAnswer) =>
                            own.includes(answer.question) ? (
                              <IconButton
                                label={`Remove the question ${answer.question}`}
                                onPress={() => setOwn(before => before.filter(q => q !== answer.question))}
                              >
                                <X aria-hidden />
                              </IconButton>
                            ) : null,
                        },
                      ]),
                ]}
              />
            )}
          </div>
        </Panel>
      )}
    </>
  )
}
