import { MessageSquareQuote } from 'lucide-react'
import { Fragment, useEffect, useRef } from 'react'
import type { Turn } from '#shared/rpc/methods/turn.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { LiveTurn } from './LiveTurn.tsx'
import { TurnView } from './TurnView.tsx'
import type { Conversation } from './useConversation.ts'

export interface TurnListProps {
  readonly conversation: Conversation
  readonly cartridge: CartridgeSummary | null
  /** Nothing is in the slot. */
  readonly empty: boolean
  readonly examples: readonly string[]
  readonly canAsk: boolean
  readonly copiesFacts: boolean
  readonly maxNewTokens: number
  readonly onAsk: (question: string) => void
  /** Asks in the place of a turn, from the state before it. */
  readonly onInstead: (turn: Turn, question: string, again: boolean) => void
  readonly onAgain: () => void
}

/** Questions and answers, the newest at the bottom and kept in sight while it is written. */
export function TurnList(props: TurnListProps) {
  const { conversation, cartridge, empty, examples, canAsk, onAsk, onInstead } = props
  const { thread, turns, live, error, unanswered, answering } = conversation
  const end = useRef<HTMLDivElement>(null)
  const length = thread.length + (live?.with.length ?? 0) + (live?.without.length ?? 0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: `length` says that something was added
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' })
  }, [length])
  const isNew = conversation.view !== null && thread.length === 0 && live === null && unanswered === null

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it
    <section className="Turns" tabIndex={0} aria-label="Questions and answers">
      {isNew && answering === null ? (
        <EmptyState
          icon={<MessageSquareQuote />}
          title={empty ? 'The slot is empty' : cartridge === null ? 'One moment' : `Ask ${cartridge.name}`}
          actions={examples.slice(0, 4).map(example => (
            <Button key={example} isDisabled={!canAsk} onPress={() => onAsk(example)}>
              {example}
            </Button>
          ))}
        >
          {empty
            ? 'Questions go to the bare model now, which has read nothing. Choose a cartridge to see the difference.'
            : cartridge?.trust === 'restricted'
              ? 'It came from elsewhere and is not trusted yet. Trust it, or check it by recomputing, in the library.'
              : cartridge !== null && !cartridge.model.installed
                ? `Its model, ${cartridge.model.name}, is not installed. Add it under Models.`
                : 'Its text was read once and is not read again. Only the words of your question are.'}
        </EmptyState>
      ) : null}
      {thread.map((turn, i) => {
        const inSlot = turn.rootPacketId === (cartridge?.packetId ?? null)
        const before = thread[i - 1]
        return (
          <Fragment key={turn.id}>
            {before === undefined || before.rootPacketId === turn.rootPacketId ? null : (
              <Change packetId={before.rootPacketId} />
            )}
            <TurnView
              turn={turn}
              cartridge={inSlot ? cartridge : null}
              latest={i === thread.length - 1}
              busy={live !== null}
              copiesFacts={props.copiesFacts}
              maxNewTokens={props.maxNewTokens}
              branches={turns.filter(other => other.previousId === turn.previousId)}
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
      {thread.length > 0 &&
      thread.at(-1)?.rootPacketId !== (cartridge?.packetId ?? null) &&
      (empty || cartridge !== null) ? (
        <Change packetId={thread.at(-1)?.rootPacketId ?? null} />
      ) : null}
      {live === null ? null : <LiveTurn live={live} bare={empty} onStop={conversation.stop} />}
      {answering === null ? null : (
        <LiveTurn live={{ question: answering, compare: false, with: '', without: '', rate: null }} bare={empty} />
      )}
      {error === null && unanswered === null ? null : (
        <div className="Turn">
          {unanswered === null ? null : <h2 className="Turn-question">{unanswered}</h2>}
          {error === null ? (
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

/** Another cartridge answers from here on. */
function Change({ packetId }: { readonly packetId: string | null }) {
  const { data, error } = useQuery('library.get', packetId === null ? null : { ref: packetId }, ['library.changed'])
  const name = packetId === null ? 'the bare model' : error === null ? data?.summary.name : 'a cartridge that is gone'
  return <p className="Turns-change">{name === undefined ? '' : `Up to here ${name} answered.`}</p>
}
