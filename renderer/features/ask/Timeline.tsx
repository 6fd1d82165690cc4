import type { Turn } from '#shared/rpc/methods/turn.ts'
import type { CartridgeSummary, TokenCounts } from '#shared/rpc/methods/views.ts'
import { Dots } from '../../ui/Dots.tsx'
import { formatCount, formatCounted, formatTokens, shortDigest } from '../../ui/format.ts'
import { answersOf, timeline } from './turns.ts'
import type { Conversation } from './useConversation.ts'

/** Every turn of a conversation, of every branch; pressing one rewinds to it, and the next question branches there. */
export function Timeline({
  cartridge,
  slots,
  conversation,
  onRewind,
}: {
  /** The only one in the slots. */
  readonly cartridge: CartridgeSummary | null
  readonly slots: number
  readonly conversation: Conversation
  readonly onRewind: (turnId: string | null) => void
}) {
  const { live, thread } = conversation
  const head = thread.at(-1) ?? null
  const shown = new Set(thread.map(turn => turn.id))
  // Of every answer to the question.
  const sum = (step: Turn, of: (tokens: TokenCounts) => number) =>
    answersOf([step], conversation.turns).reduce((total, { tokens }) => total + of(tokens), 0)
  return (
    <ol className="AskTimeline" aria-label="Steps">
      <li className={head === null && live === null ? 'AskTimeline-now' : ''}>
        <button type="button" aria-current={head === null ? 'step' : undefined} onClick={() => onRewind(null)}>
          <b className="four-lines">
            {slots > 1 ? formatCounted(slots, 'cartridge') : (cartridge?.name ?? 'The bare model')}
          </b>
          <span>
            {cartridge === null ? (
              slots > 1 ? (
                'as they were'
              ) : (
                'nothing read'
              )
            ) : (
              <Dots>
                {formatTokens(cartridge.tokens, 'tok')}
                <span className="mono">{shortDigest(cartridge.packetId)}</span>
              </Dots>
            )}
          </span>
        </button>
      </li>
      {timeline(conversation.turns).map(({ turn: step, lane, afresh, apart }) => (
        <li
          key={step.id}
          className={`AskTimeline-lane-${lane}${apart ? ' AskTimeline-apart' : ''}${head?.id === step.id && live === null ? ' AskTimeline-now' : ''}${shown.has(step.id) ? '' : ' AskTimeline-aside'}`}
        >
          <button
            type="button"
            aria-current={head?.id === step.id ? 'step' : undefined}
            title={head?.id === step.id ? 'The next question continues here' : 'Go back to this step'}
            onClick={() => onRewind(step.id)}
          >
            <b className="four-lines" title={step.question}>
              {step.question}
            </b>
            {apart && !afresh ? <After turn={step} turns={conversation.turns} /> : null}
            <span>
              {afresh ? 'afresh, ' : ''}+{formatCount(sum(step, ({ tail, delta }) => tail + delta))} read, +
              {formatCount(sum(step, ({ generated }) => generated))} written
            </span>
          </button>
        </li>
      ))}
      {live === null ? null : (
        <li className="AskTimeline-now">
          <div>
            <b className="four-lines" title={live.question}>
              {live.question}
            </b>
            <span>writing</span>
          </div>
        </li>
      )}
    </ol>
  )
}

/** What a branch goes on from, where that stands further up. */
function After({ turn: { previousId }, turns }: { readonly turn: Turn; readonly turns: readonly Turn[] }) {
  const before = turns.find(({ id }) => id === previousId)
  const text = before === undefined ? 'from the beginning' : `after “${before.question}”`
  return (
    <span className="two-lines" title={text}>
      {text}
    </span>
  )
}
