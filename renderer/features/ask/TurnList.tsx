import { MessageSquareQuote } from 'lucide-react'
import { useEffect, useRef } from 'react'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { LiveTurn } from './LiveTurn.tsx'
import { TurnView } from './TurnView.tsx'
import type { Turn } from './turns.ts'
import type { Conversation } from './useConversation.ts'

/** What another cartridge answered before this one was put in its place. */
export interface Earlier {
  readonly cartridge: CartridgeSummary
  readonly turns: readonly Turn[]
}

export interface TurnListProps {
  readonly earlier: readonly Earlier[]
  readonly conversation: Conversation
  readonly cartridge: CartridgeSummary | null
  readonly empty: boolean
  readonly examples: readonly string[]
  readonly canAsk: boolean
  readonly copiesFacts: boolean
  readonly onAsk: (question: string) => void
  readonly onRegenerate: (turn: Turn) => void
}

/** Questions and answers, the newest at the bottom and kept in sight while it is written. */
export function TurnList(props: TurnListProps) {
  const { conversation, earlier, cartridge, empty, examples, canAsk, copiesFacts, onAsk, onRegenerate } = props
  const { turns, live, error } = conversation
  const end = useRef<HTMLDivElement>(null)
  const length = turns.length + (live?.with.length ?? 0) + (live?.without.length ?? 0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: `length` says that something was added
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' })
  }, [length])

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it
    <section className="Turns" tabIndex={0} aria-label="Questions and answers">
      {earlier.map(group => (
        <section key={group.cartridge.packetId} className="Turns-earlier" aria-label={`Asked ${group.cartridge.name}`}>
          {group.turns.map(turn => (
            <TurnView key={turn.id} turn={turn} cartridge={group.cartridge} latest={false} busy={live !== null} />
          ))}
          <p className="Turns-change">Up to here {group.cartridge.name} answered.</p>
        </section>
      ))}
      {turns.length === 0 && live === null && error === null ? (
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
      {turns.map((turn, i) => (
        <TurnView
          key={turn.id}
          turn={turn}
          cartridge={cartridge}
          latest={i === turns.length - 1}
          busy={live !== null}
          copiesFacts={copiesFacts}
          onRegenerate={() => onRegenerate(turn)}
        />
      ))}
      {live === null ? null : <LiveTurn live={live} bare={empty} onStop={conversation.stop} />}
      {error === null ? null : (
        <div className="Turn">
          {conversation.failed === null ? null : <h2 className="Turn-question">{conversation.failed}</h2>}
          <ErrorPanel
            error={error}
            action={{
              label: conversation.edited ? 'Go on with the edited model' : 'Ask again',
              onPress: conversation.again,
            }}
          />
        </div>
      )}
      <div ref={end} />
    </section>
  )
}
