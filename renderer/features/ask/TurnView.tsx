import { Dices, FlaskConical } from 'lucide-react'
import { isRefusal } from '#shared/domain/answers.ts'
import type { CartridgeSummary, TokenCounts } from '#shared/rpc/methods/views.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount, formatSeconds } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { TrustBadges } from '../../ui/TrustBadges.tsx'
import { TraceButton } from '../trace/TraceButton.tsx'
import { NoAnswer } from './NoAnswer.tsx'
import { Proof } from './Proof.tsx'
import type { Turn } from './turns.ts'

export interface TurnViewProps {
  readonly turn: Turn
  readonly cartridge: CartridgeSummary | null
  /** The last one: announced when it is complete. */
  readonly latest: boolean
  readonly busy: boolean
  /** Its model copies facts and does not converse: after "I don't know." there is something to be said. */
  readonly copiesFacts?: boolean
  /** Absent where its cartridge is no longer in the slot. */
  readonly onRegenerate?: () => void
}

/** A question, its answer, what the answer cost, and the proof of it. */
export function TurnView({ turn, cartridge, latest, busy, copiesFacts = false, onRegenerate }: TurnViewProps) {
  const prove = useTask('packets.prove')
  const isStep = turn.kind === 'step'
  const answer = (isStep ? turn.step.answer : turn.result.output).trim()
  const tokens = isStep ? turn.step.tokens : turn.result.tokens
  const seconds = isStep ? turn.step.seconds : turn.result.seconds.total
  const reason = isStep ? turn.step.finishReason : turn.result.finishReason
  const without = isStep ? turn.step.without : null

  return (
    <article className="Turn">
      <h2 className="Turn-question">{turn.question}</h2>
      <div className={`Turn-answers${without === null ? '' : ' Turn-answers--two'}`}>
        <div className={`Answer${isStep ? '' : ' Answer--without'}`}>
          <header>
            {isStep && cartridge !== null ? <TrustBadges cartridge={cartridge} tier={false} /> : null}
            <span>{isStep ? 'with the cartridge' : 'the bare model'}</span>
          </header>
          <p className="Answer-text" aria-live={latest ? 'polite' : undefined}>
            {answer === '' ? <span className="muted">(no words)</span> : answer}
          </p>
          <footer className="Answer-foot">
            <span className="grow">
              <Cost tokens={tokens} /> · <span className="Answer-time">{formatSeconds(seconds)}</span>
              {reason === 'length'
                ? ' · stopped at the token limit'
                : reason === 'context'
                  ? ' · stopped: the model’s context is full'
                  : reason === 'cancelled'
                    ? ' · stopped by you'
                    : ''}
            </span>
            {isStep ? (
              <>
                {turn.step.traced === true ? <TraceButton size="s" receiptId={turn.step.receiptId} /> : null}
                <Button
                  size="s"
                  variant="quiet"
                  icon={<FlaskConical aria-hidden />}
                  isDisabled={busy || prove.status === 'running'}
                  onPress={() =>
                    void prove.run({
                      ref: turn.step.fromPacketId,
                      delta: turn.step.question,
                      chat: true,
                      outputTokenIds: turn.step.outputTokenIds,
                    })
                  }
                >
                  Prove it
                </Button>
                {onRegenerate === undefined ? null : (
                  <IconButton label="Answer again with another seed" isDisabled={busy} onPress={onRegenerate}>
                    <Dices aria-hidden />
                  </IconButton>
                )}
              </>
            ) : null}
            <CopyButton text={answer} label="Copy the answer" />
          </footer>
          {isStep && latest && copiesFacts && cartridge !== null && isRefusal(answer) ? (
            <NoAnswer packetId={cartridge.packetId} />
          ) : null}
          {prove.status === 'running' ? (
            <ProgressBar label={prove.progress?.phase ?? 'reading everything again'} value={null} />
          ) : null}
          {prove.result === null ? null : <Proof result={prove.result} />}
          {prove.status === 'failed' ? (
            <ErrorPanel error={prove.error} action={{ label: 'Dismiss', onPress: prove.reset }} />
          ) : null}
        </div>
        {without === null ? null : (
          <div className="Answer Answer--without">
            <header>
              <span>without it</span>
            </header>
            <p className="Answer-text">{without.answer === '' ? '(no words)' : without.answer}</p>
            <footer>
              <b>{formatCount(without.tokens)}</b> tokens processed ·{' '}
              <span className="Answer-time">{formatSeconds(without.seconds)}</span>
            </footer>
          </div>
        )}
      </div>
    </article>
  )
}

/** What was read and what was not: a hit that saved nothing says so. */
function Cost({ tokens }: { readonly tokens: TokenCounts }) {
  return (
    <>
      <b>{formatCount(tokens.tail + tokens.delta)}</b> tokens read, {formatCount(tokens.generated)} written
      {tokens.base === 0 ? '' : tokens.saved > 0 ? `, ${formatCount(tokens.saved)} not re-read` : ', nothing saved'}
    </>
  )
}
