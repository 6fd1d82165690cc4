/** A weighted mean of recurrent states, with its answers shown while one moves the sliders. */
import { Plus, X } from 'lucide-react'
import { useMemo, useState } from 'react'
import { MOST_MIXED } from '#shared/domain/mostTogether.ts'
import type { Input, Output } from '#shared/rpc/client.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { holdsCartridges, readCartridges } from '../../app/cartridgeDrag.ts'
import { read } from '../../stores/read.ts'
import { useStudio } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { useSettled } from '../../stores/useSettled.ts'
import { useTask } from '../../stores/useTask.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount, formatFixed, formatPercent } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { Stat } from '../../ui/Stat.tsx'
import { Table } from '../../ui/Table.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastError } from '../../ui/toasts.tsx'
import { CartridgeRack } from '../ask/CartridgeRack.tsx'
import { Crossfader } from './Crossfader.tsx'
import { ResultCard } from './ResultCard.tsx'
import { withoutPart, withPart } from './shares.ts'
import { whyNoMix } from './whyNoMix.ts'

type MixAnswer = Output<'remix.preview'>['answers'][number]

/** Cartridges on the stage, and their shares in whole percent. */
interface Stage {
  readonly cartridges: readonly CartridgeSummary[]
  readonly shares: readonly number[]
}

const EMPTY: Stage = { cartridges: [], shares: [] }

function staged({ cartridges, shares }: Stage, cartridge: CartridgeSummary): Stage {
  const isThere = cartridges.some(other => other.packetId === cartridge.packetId)
  return isThere || cartridges.length === MOST_MIXED
    ? { cartridges, shares }
    : { cartridges: [...cartridges, cartridge], shares: withPart(shares) }
}

interface MixViewProps {
  readonly start: readonly CartridgeSummary[]
  readonly onOther: (verb: 'append' | 'compose') => void
}

export function MixView({ start, onOther }: MixViewProps) {
  const { queries } = useStudio()
  const [{ cartridges, shares }, setStage] = useState<Stage>(() => start.reduce(staged, EMPTY))
  const [over, setOver] = useState(false)
  const [name, setName] = useState('')
  const [own, setOwn] = useState<readonly string[]>([])
  const [draft, setDraft] = useState('')
  const task = useTask('remix.mix')
  const refusal = whyNoMix(cartridges)
  const suggested = cartridges
    .map(cartridge => cartridge.name)
    .join(' × ')
    .slice(0, 200)
  const ready = cartridges.length >= 2 && refusal === null
  const parents = cartridges.map(({ packetId }, at) => ({ ref: packetId, weight: (shares[at] ?? 0) / 100 }))
  const add = async (packetIds: readonly string[]) => {
    for (const ref of packetIds) {
      try {
        const { summary } = await queries.query(read('library.get', { ref }))
        setStage(before => staged(before, summary))
      } catch (error) {
        toastError(error)
      }
    }
  }

  // The questions that the parents say they can answer, a few of each, and the person's own.
  const a = useRead('library.get', cartridges[0] === undefined ? null : { ref: cartridges[0].packetId })
  const b = useRead('library.get', cartridges[1] === undefined ? null : { ref: cartridges[1].packetId })
  const known = useMemo(
    () => [...(a.data?.exampleQuestions ?? []).slice(0, 4), ...(b.data?.exampleQuestions ?? []).slice(0, 4)],
    [a.data, b.data],
  )
  const questions = [...new Set([...known, ...own])].slice(0, 40)
  const settled = useSettled(JSON.stringify({ parents, questions }), 450)
  const asked = useMemo((): Input<'remix.preview'> => JSON.parse(settled), [settled])
  const preview = useRead(
    'remix.preview',
    ready && asked.parents.length === cartridges.length && asked.questions.length > 0 ? asked : null,
    { keepsLast: true },
  )

  const addQuestion = () => {
    if (draft.trim() === '') return
    setOwn(before => [...before, draft.trim()])
    setDraft('')
  }

  return (
    <div className="Stage">
      <Panel
        title="Mix"
        note="A weighted mean of recurrent states. It keeps a part of each; how much, the preview measures."
      >
        <div className="stack">
          <section
            className="Stage-floor"
            aria-label="Stage"
            data-over={over || undefined}
            onDragOver={event => {
              if (!holdsCartridges(event.dataTransfer)) return
              event.preventDefault()
              setOver(true)
            }}
            onDragLeave={() => setOver(false)}
            onDrop={event => {
              setOver(false)
              if (!holdsCartridges(event.dataTransfer)) return
              event.preventDefault()
              void add(readCartridges(event.dataTransfer))
            }}
          >
            {cartridges.length < 2 ? (
              <p className="muted small">
                {cartridges.length === 0
                  ? 'Drag two cartridges here, or press them in the list below.'
                  : 'One more: drag it here, or press it in the list below.'}
              </p>
            ) : null}
            <Crossfader
              cartridges={cartridges}
              shares={shares}
              onChange={next => setStage(before => ({ ...before, shares: next }))}
              onRemove={at =>
                setStage(before => ({
                  cartridges: before.cartridges.filter((_, other) => other !== at),
                  shares: withoutPart(before.shares, at),
                }))
              }
            />
          </section>
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
            {ready ? null : <span className="small muted">It takes two recurrent cartridges of one model.</span>}
          </div>
          {task.status === 'failed' ? <ErrorPanel error={task.error} /> : null}
          {task.result === null ? null : (
            <ResultCard created={task.result} note="Mixed without reading a single token." isAwaited={task.isAwaited} />
          )}
          <CartridgeRack kind="ssm" onInsert={packetIds => void add(packetIds)} />
        </div>
      </Panel>
      {!ready ? null : (
        <Panel title="Preview" note={preview.isFetching ? 'asking …' : 'asked of a mix that is not stored'}>
          <div className="stack">
            {preview.error === null ? null : (
              <ErrorPanel
                error={preview.error}
                action={{ label: 'Ask again', onPress: () => void preview.refetch() }}
              />
            )}
            {preview.data === undefined ? null : (
              <div className="Stats" aria-busy={preview.isFetching}>
                {preview.data.kept.map(({ packetId, kept, right }) => (
                  <Stat
                    key={packetId}
                    label={`Kept of ${cartridges.find(cartridge => cartridge.packetId === packetId)?.name ?? 'a parent'}`}
                    value={right === 0 ? 'nothing to keep' : formatPercent((kept / right) * 100)}
                    note={`${formatCount(kept)} of ${formatCount(right)} right answers`}
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
                addQuestion()
              }}
            >
              <TextField label="Ask the mix" value={draft} onChange={setDraft} placeholder="A short question" />
              <Button type="submit" icon={<Plus aria-hidden />} isDisabled={draft.trim() === ''}>
                Add
              </Button>
            </form>
            {questions.length === 0 ? <p className="muted small">Add a question to see what the mix answers.</p> : null}
            {preview.data === undefined ? null : (
              <Table
                caption="Answers of the mix and of its parents"
                rows={preview.data.answers}
                rowKey={answer => answer.question}
                columns={[
                  { id: 'question', title: 'Question', cell: answer => answer.question },
                  { id: 'answer', title: 'The mix', cell: answer => <b className="MixAnswer">{answer.answer}</b> },
                  ...cartridges.map((cartridge, index) => ({
                    id: cartridge.packetId,
                    title: cartridge.name,
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
    </div>
  )
}
