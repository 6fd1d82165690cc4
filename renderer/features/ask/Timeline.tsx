import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { formatCount, shortDigest } from '../../ui/format.ts'
import { timeline } from './turns.ts'
import type { Conversation } from './useConversation.ts'

/** Every turn of a conversation, of every branch; pressing one rewinds to it, and the next question branches there. */
export function Timeline({
  cartridge,
  conversation,
  onRewind,
}: {
  readonly cartridge: CartridgeSummary | null
  readonly conversation: Conversation
  readonly onRewind: (turnId: string | null) => void
}) {
  const { live, thread } = conversation
  const head = thread.at(-1) ?? null
  const shown = new Set(thread.map(turn => turn.id))
  return (
    <ol className="AskTimeline" aria-label="Steps">
      <li className={head === null && live === null ? 'AskTimeline-now' : ''}>
        <button type="button" aria-current={head === null ? 'step' : undefined} onClick={() => onRewind(null)}>
          <b className="truncate">{cartridge?.name ?? 'The bare model'}</b>
          <span>
            {cartridge === null ? (
              'nothing read'
            ) : (
              <>
                {formatCount(cartridge.tokens)} tok · <span className="mono">{shortDigest(cartridge.packetId)}</span>
              </>
            )}
          </span>
        </button>
      </li>
      {timeline(conversation.turns).map(({ turn: step, lane, afresh }) => (
        <li
          key={step.id}
          className={`AskTimeline-lane-${lane}${afresh ? ' AskTimeline-afresh' : ''}${head?.id === step.id && live === null ? ' AskTimeline-now' : ''}${shown.has(step.id) ? '' : ' AskTimeline-aside'}`}
        >
          <button
            type="button"
            aria-current={head?.id === step.id ? 'step' : undefined}
            title={head?.id === step.id ? 'The next question continues here' : 'Go back to this step'}
            onClick={() => onRewind(step.id)}
          >
            <b className="truncate">{step.question}</b>
            <span>
              {afresh ? 'afresh, ' : ''}+{formatCount(step.tokens.tail + step.tokens.delta)} read, +
              {formatCount(step.tokens.generated)} written
            </span>
          </button>
        </li>
      ))}
      {live === null ? null : (
        <li className="AskTimeline-now">
          <div>
            <b className="truncate">{live.question}</b>
            <span>writing</span>
          </div>
        </li>
      )}
    </ol>
  )
}
