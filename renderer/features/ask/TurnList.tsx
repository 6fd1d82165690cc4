import { MessageSquareQuote } from 'lucide-react'
import { Fragment, useEffect, useRef } from 'react'
import { StatePackError } from '#shared/domain/error.ts'
import { MOST_EACH } from '#shared/domain/slots.ts'
import type { Asking, Turn } from '#shared/rpc/methods/turn.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCounted } from '../../ui/format.ts'
import { Abstention } from './Abstention.tsx'
import { LiveTurn } from './LiveTurn.tsx'
import { TurnView } from './TurnView.tsx'
import type { Conversation } from './useConversation.ts'

export interface TurnListProps {
  readonly conversation: Conversation
  /** The only one in the slots. */
  readonly cartridge: CartridgeSummary | null
  readonly slots: readonly string[]
  /** Whom of several a question goes to. */
  readonly asking: Asking
  readonly examples: readonly string[]
  readonly canAsk: boolean
  readonly copiesFacts: boolean
  /** There is no such cartridge, which is said elsewhere. */
  readonly isGone: boolean
  readonly maxNewTokens: number
  readonly onAsk: (question: string) => void
  /** Asks in the place of a turn, from the state before it. */
  readonly onInstead: (turn: Turn, question: string, again: boolean) => void
  readonly onAgain: () => void
  /** Asks one of several that the question is not about, or each of them. */
  readonly onAnyway: (of: readonly string[]) => void
}

/** Questions and answers, the newest at the bottom and kept in sight while it is written. */
export function TurnList(props: TurnListProps) {
  const { conversation, cartridge, slots, asking, examples, canAsk, onAsk, onInstead } = props
  const { thread, turns, live, error, unanswered, answering, view, abstained } = conversation
  const empty = slots.length === 0
  const nameOf = (packetId: string | null) =>
    Object.entries(view?.names ?? {}).find(([id]) => id === packetId)?.[1] ?? null
  const besidesOf = (turn: Turn) => turns.filter(({ besideId }) => besideId === turn.id)
  const isOfSeveral = (turn: Turn) => turn.routed !== null || besidesOf(turn).length > 0
  const end = useRef<HTMLDivElement>(null)
  const length =
    thread.length + (live?.with.length ?? 0) + (live?.without.length ?? 0) + JSON.stringify(live?.each ?? '').length
  // biome-ignore lint/correctness/useExhaustiveDependencies: `length` says that something was added
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' })
  }, [length])
  const last = thread.at(-1)
  const isNew = conversation.view !== null && thread.length === 0 && live === null && unanswered === null

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it
    <section className="Turns" tabIndex={0} aria-label="Questions and answers">
      {isNew && answering === null && !props.isGone ? (
        <EmptyState
          icon={<MessageSquareQuote />}
          title={
            empty
              ? 'The slot is empty'
              : slots.length > 1
                ? `Ask ${formatCounted(slots.length, 'cartridge')}`
                : cartridge === null
                  ? 'One moment'
                  : `Ask ${cartridge.name}`
          }
          actions={examples.slice(0, 4).map(example => (
            <Button key={example} isDisabled={!canAsk} onPress={() => onAsk(example)}>
              {example}
            </Button>
          ))}
        >
          {empty
            ? 'Questions go to the bare model now, which has read nothing. Choose a cartridge to see the difference.'
            : slots.length > 1
              ? asking === 'each'
                ? 'Each of them answers, side by side. Your question is all that they read.'
                : 'Your question goes to the one that it is about; which, and why, stands below the answer.'
              : cartridge?.trust === 'restricted'
                ? 'It came from elsewhere and is not trusted yet. Trust it, or check it by recomputing, in the library.'
                : cartridge !== null && !cartridge.model.installed
                  ? `Its model, ${cartridge.model.name}, is not installed. Add it under Models.`
                  : 'Its text was read once and is not read again. Only the words of your question are.'}
        </EmptyState>
      ) : null}
      {thread.map((turn, i) => {
        const isOwn = turn.rootPacketId === (cartridge?.packetId ?? null)
        const besides = besidesOf(turn)
        const inSlot =
          slots.length < 2
            ? isOwn && besides.length === 0
            : [turn, ...besides].every(({ rootPacketId }) => rootPacketId !== null && slots.includes(rootPacketId))
        const before = thread[i - 1]
        return (
          <Fragment key={turn.id}>
            {before === undefined ||
            before.rootPacketId === turn.rootPacketId ||
            isOfSeveral(before) ||
            isOfSeveral(turn) ? null : (
              <Change name={before.rootPacketId === null ? BARE : nameOf(before.rootPacketId)} />
            )}
            <TurnView
              turn={turn}
              besides={besides}
              nameOf={nameOf}
              cartridge={inSlot ? cartridge : null}
              latest={i === thread.length - 1}
              busy={live !== null}
              copiesFacts={props.copiesFacts}
              maxNewTokens={props.maxNewTokens}
              branches={turns.filter(other => other.previousId === turn.previousId && other.besideId === null)}
              onBranch={id => void conversation.save({ head: { id, newest: true } })}
              {...(inSlot
                ? {
                    onRegenerate: () => onInstead(turn, turn.question, true),
                    onEdit: question => onInstead(turn, question, false),
                  }
                : {})}
            />
          </Fragment>
        )
      })}
      {last !== undefined &&
      last.rootPacketId !== (cartridge?.packetId ?? null) &&
      !isOfSeveral(last) &&
      (empty || cartridge !== null) ? (
        <Change name={last.rootPacketId === null ? BARE : nameOf(last.rootPacketId)} />
      ) : null}
      {conversation.failed.map(({ packetId, error: { code, message, details } }) => (
        <div key={packetId} className="Turn">
          <p className="Turns-change">{nameOf(packetId) ?? 'A cartridge'} did not answer.</p>
          <ErrorPanel error={new StatePackError(code, message, details)} />
        </div>
      ))}
      {live === null ? null : <LiveTurn live={live} bare={empty} nameOf={nameOf} onStop={conversation.stop} />}
      {answering === null ? null : (
        <LiveTurn
          live={{ question: answering, compare: false, with: '', without: '', rate: null, each: null }}
          bare={empty}
          nameOf={nameOf}
        />
      )}
      {error === null && unanswered === null ? null : (
        <div className="Turn">
          {unanswered === null ? null : <h2 className="Turn-question">{unanswered}</h2>}
          {abstained !== null ? (
            <Abstention
              abstained={abstained}
              onNearest={packetId => props.onAnyway([packetId])}
              onEach={slots.length > MOST_EACH ? undefined : () => props.onAnyway(slots)}
            />
          ) : error === null ? (
            <div className="Unanswered" role="status">
              <span className="grow">This question has no answer yet.</span>
              <Button size="s" onPress={() => conversation.giveUp({ draft: unanswered ?? '' })}>
                Edit it
              </Button>
              <Button size="s" variant="primary" isDisabled={!canAsk} onPress={props.onAgain}>
                Ask again
              </Button>
            </div>
          ) : (
            <ErrorPanel
              error={error}
              action={{
                label: conversation.edited ? 'Go on with the edited model' : 'Ask again',
                onPress: props.onAgain,
              }}
            />
          )}
        </div>
      )}
      <div ref={end} />
    </section>
  )
}

const BARE = 'the bare model'

/** Another cartridge answers from here on; null: the one before is gone. */
function Change({ name }: { readonly name: string | null }) {
  return <p className="Turns-change">Up to here {name ?? 'a cartridge that is gone'} answered.</p>
}
