import { MessageSquarePlus } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useNavigate, useParams, useSearchParams } from 'react-router'
import { parseDigest } from '#shared/domain/digest.ts'
import { MOST_SLOTS } from '#shared/domain/slots.ts'
import type { ListedConversation } from '#shared/rpc/methods/conversations.ts'
import { conversationIdSchema, type Turn } from '#shared/rpc/methods/turn.ts'
import { slotsIn } from '../../app/askAddress.ts'
import { holdsCartridges, readCartridges } from '../../app/cartridgeDrag.ts'
import { Page } from '../../app/Page.tsx'
import { useMedia } from '../../app/useMedia.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCounted } from '../../ui/format.ts'
import { Sheet } from '../../ui/Sheet.tsx'
import { toastNote } from '../../ui/toasts.tsx'
import { AskSide, type SideView } from './AskSide.tsx'
import { Composer } from './Composer.tsx'
import { addressOf, rememberOpen, useOpening } from './openConversation.ts'
import { Reread } from './Reread.tsx'
import { SlotBar } from './SlotBar.tsx'
import { Suggestions } from './Suggestions.tsx'
import { SystemPrompt } from './SystemPrompt.tsx'
import { TurnList } from './TurnList.tsx'
import { answersOf } from './turns.ts'
import { useAskOptions } from './useAskOptions.ts'
import { useAskTarget } from './useAskTarget.ts'
import { useConversation } from './useConversation.ts'
import { useDraft } from './useDraft.ts'
import './ask.css'

/** A conversation with a cartridge or several, or with the bare model when no slot is filled. */
export function AskPage() {
  const { id } = useParams()
  const slots = slotsIn(id)
  const [search] = useSearchParams()
  const conversationId = conversationIdSchema.safeParse(search.get('conversation')).data ?? null
  // Stays while one goes from conversation to conversation.
  const [side, setSide] = useState<SideView | null>(null)
  useOpening(slots, conversationId !== null)
  return conversationId === null ? (
    <Page title="Ask" fill>
      {null}
    </Page>
  ) : (
    <Ask
      key={conversationId}
      conversationId={conversationId}
      slots={slots}
      side={side ?? (slots.length === 0 ? 'cartridges' : 'timeline')}
      setSide={setSide}
    />
  )
}

interface AskProps {
  readonly conversationId: string
  /** What is in the slots: references, of which several are packet_ids. */
  readonly slots: readonly string[]
  readonly side: SideView
  readonly setSide: (side: SideView) => void
}

function Ask({ conversationId, slots, side, setSide }: AskProps) {
  const navigate = useNavigate()
  const [sheet, setSheet] = useState(false)
  const [over, setOver] = useState(false)
  /** The question for which a cartridge is looked for. */
  const [sought, setSought] = useState<string | null>(null)
  const narrow = useMedia('(max-width: 800px)')
  const conversation = useConversation(conversationId)
  const { view, thread } = conversation
  const [options, setOptions] = useAskOptions()
  const target = useAskTarget({ slots, conversation, options })
  const { isSeveral, packetIds, cartridge, summary, models, model, asking, follows, parent, whom, canAsk } = target
  // A draft keeps what it is meant for.
  const draft = useDraft({
    view,
    readAt: conversation.readAt,
    save: change => conversation.save({ ...change, ...(packetIds === null ? {} : { slots: packetIds }) }),
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the slots by what they hold
  useEffect(() => rememberOpen(conversationId, slots), [conversationId, slots.join()])
  useFollowedSlots(conversationId, view?.slots, slots)
  const here = view === null ? undefined : (thread.at(-1)?.id ?? null)
  const askInstead = (turn: Turn, question: string, again: boolean) => {
    const varied = options.temperature === 0 ? 0.8 : options.temperature
    const answers = answersOf([turn], conversation.turns)
    const parentOf = (ref: string) => answers.find(({ rootPacketId }) => rootPacketId === ref)?.parentId ?? null
    conversation.ask(
      question,
      again ? { ...options, temperature: varied, seed: (Math.random() * 2 ** 31) | 0 } : options,
      {
        isSeveral,
        asking: turn.routed === null ? 'each' : 'route',
        of: whom.of.map(({ ref }) => ({ ref, parentId: isSeveral ? parentOf(ref) : turn.parentId })),
        model: turn.model ?? whom.model,
      },
      turn.previousId,
    )
  }
  const insert = (all: readonly string[]) => {
    const put = all.slice(0, MOST_SLOTS)
    if (put.length < all.length)
      toastNote(
        `${formatCounted(MOST_SLOTS, 'cartridge')} fit into the slots`,
        `${formatCounted(all.length - put.length, 'cartridge')} stayed out. With empty slots, “Find a cartridge for it” looks in the whole library.`,
      )
    setSheet(false)
    setSide(put.length === 0 ? 'cartridges' : 'timeline')
    void navigate(addressOf(conversationId, put))
    void conversation.save({ slots: put.map(parseDigest) })
  }
  // A reference that is not known yet cannot stand beside others.
  const add = (more: readonly string[]) => insert([...new Set([...(packetIds ?? []), ...more])])
  const eject = (refs: readonly string[]) => insert(slots.filter(ref => !refs.includes(ref)))
  const begin = () => {
    setSheet(false)
    void navigate(addressOf(crypto.randomUUID(), slots))
  }
  const open = (chosen: ListedConversation) => {
    setSheet(false)
    void navigate(addressOf(chosen.id, chosen.slots))
  }
  const sidePanel = (
    <AskSide
      view={side}
      onView={setSide}
      cartridge={summary}
      slots={slots}
      conversation={conversation}
      onInsert={insert}
      onAdd={add}
      onOpen={open}
      onDeleted={begin}
      onRewind={turnId => {
        void conversation.save({ head: { id: turnId } })
        // Going back to a turn means to go on from there.
        if (turnId !== null) setOptions({ followUp: true })
      }}
    />
  )

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
            const dropped = readCartridges(event.dataTransfer)
            if (dropped.length === 0) return
            event.preventDefault()
            add(dropped)
          }}
        >
          <SlotBar
            slots={slots}
            onEject={eject}
            asking={asking}
            onAsking={next => {
              target.setAsking(next)
              void conversation.save({ asking: next })
            }}
            onChoose={() => {
              setSide('cartridges')
              if (narrow) setSheet(true)
            }}
            compare={options.compare}
            onCompare={compare => setOptions({ compare })}
            models={models}
            model={model}
            onModel={target.setModel}
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
            <ErrorPanel error={cartridge.error} action={{ label: 'Eject it', onPress: () => insert([]) }} />
          ) : null}
          <TurnList
            isGone={cartridge.error !== null && summary === null}
            conversation={conversation}
            cartridge={summary}
            slots={slots}
            asking={asking}
            examples={cartridge.data?.exampleQuestions ?? []}
            canAsk={canAsk}
            copiesFacts={target.isStarter}
            onAsk={question => conversation.ask(question, options, whom, here)}
            maxNewTokens={options.maxNewTokens}
            onInstead={askInstead}
            onAgain={() => conversation.again(options, whom)}
            onAnyway={refs =>
              conversation.again(options, {
                ...{ ...whom, asking: 'each' },
                of: whom.of.filter(({ ref }) => refs.includes(ref)),
              })
            }
          />
          {parent === null || parent.stateKept || conversation.live !== null ? null : <Reread turn={parent} />}
          {slots.length === 0 && sought !== null ? (
            <Suggestions question={sought} onClose={() => setSought(null)} onInsert={found => insert([found])} />
          ) : null}
          <Composer
            draft={draft}
            asked={conversation.turns.map(turn => turn.question).reverse()}
            canAsk={canAsk}
            from={(parent?.stateKept ? parent.packetId : null) ?? slots[0] ?? null}
            model={model?.id}
            system={parent === null ? (view?.system ?? '') : ''}
            baseTokens={parent?.tokens.naive ?? summary?.tokens ?? 0}
            running={conversation.live !== null}
            options={options}
            onOptions={setOptions}
            followUp={target.goesOn ? follows : null}
            onAsk={question => conversation.ask(question, options, whom, here)}
            onStop={conversation.stop}
            {...(slots.length === 0 ? { onFind: setSought } : {})}
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

/** Another window put something else into the slots of this conversation: it is there in this one, too. */
function useFollowedSlots(
  conversationId: string,
  stored: readonly string[] | undefined,
  shown: readonly string[],
): void {
  const navigate = useNavigate()
  const now = stored?.join()
  const seen = useRef(now)
  const shownNow = shown.join()
  useEffect(() => {
    const before = seen.current
    seen.current = now
    if (before === undefined || now === undefined || before === now || now === shownNow) return
    void navigate(addressOf(conversationId, now === '' ? [] : now.split(',')), { replace: true })
  }, [navigate, conversationId, now, shownNow])
}
