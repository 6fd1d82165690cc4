import { useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import { useStore } from 'zustand'
import { allows } from '#shared/domain/trust.ts'
import { holdsCartridges, readCartridges } from '../../app/cartridgeDrag.ts'
import { Page } from '../../app/Page.tsx'
import { useMedia } from '../../app/useMedia.ts'
import { useStudio } from '../../stores/studio.ts'
import { keep } from '../../stores/useKept.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Sheet } from '../../ui/Sheet.tsx'
import { AskSide, type SideView } from './AskSide.tsx'
import { type AskOptions, Composer, draftKey } from './Composer.tsx'
import { SlotBar } from './SlotBar.tsx'
import { Suggestions } from './Suggestions.tsx'
import { type Earlier, TurnList } from './TurnList.tsx'
import { useConversation } from './useConversation.ts'
import './ask.css'

/** Questions to a cartridge, or to the bare model when the slot is empty. */
export function AskPage() {
  const { id } = useParams()
  const [earlier, setEarlier] = useState<readonly Earlier[]>([])
  // A key per cartridge: another one in the slot has its own history. What was on screen stays above it.
  return <Ask key={id ?? ''} packetId={id ?? null} earlier={earlier} onLeave={left => setEarlier([...earlier, left])} />
}

const DEFAULTS: AskOptions = { maxNewTokens: 64, temperature: 0, seed: 1, compare: false, followUp: null, trace: false }
let remembered = DEFAULTS
/** The model that answers while the slot is empty: that of the cartridge last in it. */
let bareModel: string | null = null

interface AskProps {
  readonly packetId: string | null
  readonly earlier: readonly Earlier[]
  /** Another cartridge takes the place of this one, whose turns are given. */
  readonly onLeave: (left: Earlier) => void
}

function Ask({ packetId, earlier, onLeave }: AskProps) {
  const navigate = useNavigate()
  const { settings } = useStudio()
  const [options, setOptionsState] = useState(remembered)
  const [side, setSide] = useState<SideView>(packetId === null ? 'cartridges' : 'timeline')
  const [sheet, setSheet] = useState(false)
  const [over, setOver] = useState(false)
  /** The question for which a cartridge is looked for. */
  const [sought, setSought] = useState<string | null>(null)
  const narrow = useMedia('(max-width: 800px)')
  const cartridge = useQuery('library.get', packetId === null ? null : { ref: packetId }, ['library.changed'])
  const models =
    useQuery('models.list', {}, ['models.changed']).data?.models.filter(model => model.status === 'ready') ?? []
  const defaultModel = useStore(settings, s => s.settings?.defaultModel)
  const summary = cartridge.data?.summary ?? null
  const [chosenModel, setChosenModel] = useState<string | null>(bareModel)
  const model =
    models.find(entry => entry.id === chosenModel || entry.name === chosenModel) ??
    models.find(entry => entry.id === defaultModel) ??
    models[0]
  if (summary !== null) bareModel = summary.model.name

  // Until the list of models is here, the one that will be found in it: an early Enter must not be lost.
  const modelId = model?.id ?? chosenModel ?? defaultModel
  const conversation = useConversation(packetId, modelId)
  // The starter models answer from facts and never learnt to converse: each question meets the cartridge afresh.
  const isStarter = models.some(entry => entry.starter && entry.name === summary?.model.name)
  const follows = options.followUp ?? !isStarter
  const ask = (question: string) =>
    conversation.ask(question, options, follows ? (conversation.head?.id ?? null) : null, conversation.turns.length)
  const setOptions = (part: Partial<AskOptions>) => {
    remembered = { ...options, ...part }
    setOptionsState(remembered)
  }
  const insert = (id: string | null) => {
    setSheet(false)
    if (id !== null && id !== packetId && summary !== null && conversation.turns.length > 0)
      onLeave({ cartridge: summary, turns: conversation.turns })
    void navigate(id === null ? '/ask' : `/ask/${encodeURIComponent(id)}`)
  }
  const sidePanel = (
    <AskSide
      view={side}
      onView={setSide}
      cartridge={summary}
      conversation={conversation}
      onInsert={insert}
      onRewind={stepId => {
        conversation.rewind(stepId)
        // Going back to a step means to go on from there.
        if (stepId !== null) setOptions({ followUp: true })
      }}
    />
  )
  const canAsk =
    packetId === null
      ? modelId !== undefined
      : summary === null
        ? cartridge.error === null
        : allows(summary.trust, 'run') && summary.model.installed

  return (
    <Page title="Ask" fill actions={narrow ? <Button onPress={() => setSheet(true)}>Timeline</Button> : undefined}>
      <div className={`Ask${narrow ? ' Ask--narrow' : ''}`}>
        <section
          className={`Ask-main${over ? ' Ask-main--over' : ''}`}
          aria-label="Conversation"
          onDragOver={event => {
            if (!holdsCartridges(event.dataTransfer)) return
            event.preventDefault()
            setOver(true)
          }}
          onDragLeave={event => {
            if (!(event.relatedTarget instanceof Node) || !event.currentTarget.contains(event.relatedTarget))
              setOver(false)
          }}
          onDrop={event => {
            setOver(false)
            const dropped = readCartridges(event.dataTransfer)[0]
            if (dropped === undefined) return
            event.preventDefault()
            insert(dropped)
          }}
        >
          <SlotBar
            cartridge={summary}
            onEject={() => insert(null)}
            onChoose={() => {
              setSide('cartridges')
              if (narrow) setSheet(true)
            }}
            compare={options.compare}
            onCompare={compare => setOptions({ compare })}
            models={models}
            model={model}
            onModel={setChosenModel}
            empty={packetId === null}
          />
          {cartridge.error !== null && summary === null ? (
            <ErrorPanel error={cartridge.error} action={{ label: 'Eject it', onPress: () => insert(null) }} />
          ) : null}
          <TurnList
            conversation={conversation}
            // A cartridge that is back in the slot shows its turns below.
            earlier={earlier.filter(group => group.cartridge.packetId !== packetId)}
            cartridge={summary}
            empty={packetId === null}
            examples={cartridge.data?.exampleQuestions ?? []}
            canAsk={canAsk}
            copiesFacts={isStarter}
            onAsk={ask}
            onRegenerate={turn =>
              conversation.ask(
                turn.question,
                {
                  ...options,
                  temperature: options.temperature === 0 ? 0.8 : options.temperature,
                  seed: (Math.random() * 2 ** 31) | 0,
                },
                turn.kind === 'step' ? turn.step.parentId : null,
                conversation.turns.indexOf(turn),
              )
            }
          />
          {packetId === null && sought !== null ? (
            <Suggestions
              question={sought}
              onClose={() => setSought(null)}
              onInsert={found => {
                // The question goes along.
                keep(draftKey(found), sought)
                keep(draftKey(null), undefined)
                insert(found)
              }}
            />
          ) : null}
          <Composer
            canAsk={canAsk}
            packetId={packetId}
            model={model?.id}
            baseTokens={(follows ? conversation.head?.tokens.naive : undefined) ?? summary?.tokens ?? 0}
            running={conversation.live !== null}
            options={options}
            onOptions={setOptions}
            followUp={packetId === null || conversation.head === null ? null : follows}
            onAsk={ask}
            onStop={conversation.stop}
            {...(packetId === null ? { onFind: setSought } : {})}
          />
        </section>
        {narrow ? (
          <Sheet title="Timeline and cartridges" isOpen={sheet} onClose={() => setSheet(false)}>
            {sidePanel}
          </Sheet>
        ) : (
          sidePanel
        )}
      </div>
    </Page>
  )
}
