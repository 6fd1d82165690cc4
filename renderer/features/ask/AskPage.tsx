import { MessageSquarePlus } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useNavigate, useParams, useSearchParams } from 'react-router'
import { useStore } from 'zustand'
import { allows } from '#shared/domain/trust.ts'
import type { ListedConversation } from '#shared/rpc/methods/conversations.ts'
import { conversationIdSchema, type Turn } from '#shared/rpc/methods/turn.ts'
import { holdsCartridges, readCartridges } from '../../app/cartridgeDrag.ts'
import { Page } from '../../app/Page.tsx'
import { useMedia } from '../../app/useMedia.ts'
import { useStudio } from '../../stores/studio.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Sheet } from '../../ui/Sheet.tsx'
import { AskSide, type SideView } from './AskSide.tsx'
import { type AskOptions, Composer } from './Composer.tsx'
import { addressOf, rememberOpen, useOpening } from './openConversation.ts'
import { Reread } from './Reread.tsx'
import { SlotBar } from './SlotBar.tsx'
import { Suggestions } from './Suggestions.tsx'
import { SystemPrompt } from './SystemPrompt.tsx'
import { TurnList } from './TurnList.tsx'
import { continued } from './turns.ts'
import { useConversation } from './useConversation.ts'
import { useDraft } from './useDraft.ts'
import './ask.css'

/** A conversation with a cartridge, or with the bare model when the slot is empty. */
export function AskPage() {
  const { id = null } = useParams()
  const [search] = useSearchParams()
  const conversationId = conversationIdSchema.safeParse(search.get('conversation')).data ?? null
  // Stays while one goes from conversation to conversation.
  const [side, setSide] = useState<SideView | null>(null)
  useOpening(id, conversationId !== null)
  return conversationId === null ? (
    <Page title="Ask" fill>
      {null}
    </Page>
  ) : (
    <Ask
      key={conversationId}
      conversationId={conversationId}
      packetId={id}
      side={side ?? (id === null ? 'cartridges' : 'timeline')}
      setSide={setSide}
    />
  )
}

const DEFAULTS: AskOptions = { maxNewTokens: 64, temperature: 0, seed: 1, compare: false, followUp: null, trace: false }
let remembered = DEFAULTS
/** The model that answers while the slot is empty: that of the cartridge last in it. */
let bareModel: string | null = null

interface AskProps {
  readonly conversationId: string
  /** The cartridge in the slot. */
  readonly packetId: string | null
  readonly side: SideView
  readonly setSide: (side: SideView) => void
}

function Ask({ conversationId, packetId, side, setSide }: AskProps) {
  const navigate = useNavigate()
  const { settings } = useStudio()
  const [options, setOptionsState] = useState(remembered)
  const [sheet, setSheet] = useState(false)
  const [over, setOver] = useState(false)
  /** The question for which a cartridge is looked for. */
  const [sought, setSought] = useState<string | null>(null)
  const narrow = useMedia('(max-width: 800px)')
  const cartridge = useQuery('library.get', packetId === null ? null : { ref: packetId }, ['library.changed'])
  const models =
    useQuery('models.list', {}, ['models.changed']).data?.models.filter(model => model.status === 'ready') ?? []
  const defaultModel = useStore(settings, s => s.settings?.defaultModel)
  const summary = packetId === null ? null : (cartridge.data?.summary ?? null)
  const slot = summary?.packetId ?? null
  const conversation = useConversation(conversationId)
  const { view, thread } = conversation
  const [picked, setPicked] = useState<string | null>(null)
  const chosenModel = picked ?? view?.model ?? bareModel
  const model =
    models.find(entry => entry.id === chosenModel || entry.name === chosenModel) ??
    models.find(entry => entry.id === defaultModel) ??
    models[0]
  if (summary !== null) bareModel = summary.model.name
  // Until the list of models is here, the one that will be found in it: an early Enter must not be lost.
  const modelId = model?.id ?? chosenModel ?? defaultModel
  // A draft keeps what it is meant for.
  const draft = useDraft({
    view,
    save: change => conversation.save({ ...change, ...(packetId === null || slot !== null ? { packetId: slot } : {}) }),
  })
  useEffect(() => rememberOpen(conversationId, packetId), [conversationId, packetId])
  useFollowedSlot(conversationId, view === null ? undefined : view.packetId, packetId)

  // The starter models answer from facts and never learnt to converse: each question meets the cartridge afresh.
  const isStarter = models.some(
    entry => entry.starter && (packetId === null ? entry.id === modelId : entry.name === summary?.model.name),
  )
  const follows = options.followUp ?? !isStarter
  const before = continued(thread, { packetId: slot, model: modelId })
  const parent = follows ? before : null
  const ask = (question: string) =>
    conversation.ask(question, options, {
      ...{ previousId: view === null ? undefined : (thread.at(-1)?.id ?? null), parentId: parent?.id ?? null },
      ...{ packetId, model: modelId },
    })
  const askInstead = (turn: Turn, question: string, again: boolean) => {
    const varied = options.temperature === 0 ? 0.8 : options.temperature
    conversation.ask(
      question,
      again ? { ...options, temperature: varied, seed: (Math.random() * 2 ** 31) | 0 } : options,
      { previousId: turn.previousId, parentId: turn.parentId, packetId, model: turn.model ?? modelId },
    )
  }
  const setOptions = (part: Partial<AskOptions>) => {
    remembered = { ...options, ...part }
    setOptionsState(remembered)
  }
  const insert = (id: string | null) => {
    setSheet(false)
    setSide(id === null ? 'cartridges' : 'timeline')
    void navigate(addressOf(conversationId, id))
  }
  const begin = () => {
    setSheet(false)
    void navigate(addressOf(crypto.randomUUID(), packetId))
  }
  const open = (chosen: ListedConversation) => {
    setSheet(false)
    void navigate(addressOf(chosen.id, chosen.packetId))
  }
  const sidePanel = (
    <AskSide
      view={side}
      onView={setSide}
      cartridge={summary}
      conversation={conversation}
      onInsert={insert}
      onOpen={open}
      onDeleted={begin}
      onRewind={turnId => {
        void conversation.save({ head: { id: turnId } })
        // Going back to a turn means to go on from there.
        if (turnId !== null) setOptions({ followUp: true })
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
    <Page
      title="Ask"
      fill
      actions={
        <>
          {narrow ? <Button onPress={() => setSheet(true)}>Timeline</Button> : null}
          <Button icon={<MessageSquarePlus aria-hidden />} onPress={begin}>
            New conversation
          </Button>
        </>
      }
    >
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
            onModel={setPicked}
            empty={packetId === null}
            systemPrompt={
              model?.hasChatTemplate === true || (view?.system ?? '') !== '' ? (
                <SystemPrompt
                  system={view?.system ?? ''}
                  fixed={conversation.turns.some(turn => turn.rootPacketId === null)}
                  onChange={system => void conversation.save({ system })}
                />
              ) : null
            }
          />
          {conversation.unread !== null && view === null ? (
            <ErrorPanel error={conversation.unread} action={{ label: 'Begin a new conversation', onPress: begin }} />
          ) : null}
          {cartridge.error !== null && summary === null ? (
            <ErrorPanel error={cartridge.error} action={{ label: 'Eject it', onPress: () => insert(null) }} />
          ) : null}
          <TurnList
            conversation={conversation}
            cartridge={summary}
            empty={packetId === null}
            examples={cartridge.data?.exampleQuestions ?? []}
            canAsk={canAsk}
            copiesFacts={isStarter}
            onAsk={ask}
            maxNewTokens={options.maxNewTokens}
            onInstead={askInstead}
            onAgain={() => conversation.again(options, { packetId, model: modelId })}
          />
          {parent === null || parent.stateKept || conversation.live !== null ? null : <Reread turn={parent} />}
          {packetId === null && sought !== null ? (
            <Suggestions question={sought} onClose={() => setSought(null)} onInsert={insert} />
          ) : null}
          <Composer
            draft={draft}
            asked={conversation.turns.map(turn => turn.question).reverse()}
            canAsk={canAsk}
            packetId={packetId}
            model={model?.id}
            baseTokens={parent?.tokens.naive ?? summary?.tokens ?? 0}
            running={conversation.live !== null}
            options={options}
            onOptions={setOptions}
            followUp={before === null ? null : follows}
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

/** Another window put something else into the slot of this conversation: it is there in this one, too. */
function useFollowedSlot(conversationId: string, stored: string | null | undefined, shown: string | null): void {
  const navigate = useNavigate()
  const seen = useRef(stored)
  useEffect(() => {
    const before = seen.current
    seen.current = stored
    if (before === undefined || stored === undefined || before === stored || stored === shown) return
    void navigate(addressOf(conversationId, stored), { replace: true })
  }, [navigate, conversationId, stored, shown])
}
