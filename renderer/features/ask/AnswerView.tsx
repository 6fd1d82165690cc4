import { Dices, FlaskConical } from 'lucide-react'
import { useState } from 'react'
import { isRefusal } from '#shared/domain/answers.ts'
import type { Turn } from '#shared/rpc/methods/turn.ts'
import type { CartridgeSummary, TokenCounts } from '#shared/rpc/methods/views.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Dots } from '../../ui/Dots.tsx'
import { EjectIcon } from '../../ui/EjectIcon.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount, formatSeconds } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { TrustBadges } from '../../ui/TrustBadges.tsx'
import { TraceButton } from '../trace/TraceButton.tsx'
import { NoAnswer } from './NoAnswer.tsx'
import { Proof } from './Proof.tsx'
import { Routed } from './Routed.tsx'

export interface AnswerViewProps {
  readonly turn: Turn
  /** Of the slot, where it is the one that was asked. */
  readonly cartridge: CartridgeSummary | null
  /** What the cartridge that answered is called, where several could have; null: it is gone. Absent where it is the only one. */
  readonly answerer?: string | null
  /** Of the last turn: announced when it is complete. */
  readonly latest: boolean
  readonly busy: boolean
  /** Its model copies facts and does not converse: after "I don't know." there is something to be said. */
  readonly copiesFacts: boolean
  /** How long an answer without the cartridge may be. */
  readonly maxNewTokens: number
  /** Absent where it cannot be asked again. */
  readonly onRegenerate?: (() => void) | undefined
}

/** Why an answer ended before its end. */
const STOPPED: Readonly<Record<string, string>> = {
  length: 'stopped at the token limit',
  context: 'stopped: the model’s context is full',
  cancelled: 'stopped by you',
}

/** An answer, what it cost, the proof of it, and the same question put to the bare model. */
export function AnswerView(props: AnswerViewProps) {
  const { turn, cartridge, answerer, latest, busy, onRegenerate } = props
  const prove = useTask('packets.prove')
  const [ejected, setEjected] = useState('')
  const eject = useTask('conversations.eject', { onItem: item => setEjected(before => before + item.text) })
  const { answer, tokens, seconds, finishReason: reason, without, fromPacketId } = turn
  const ofCartridge = turn.rootPacketId !== null
  const ejecting = eject.status === 'running'
  const isBusy = busy || ejecting || prove.status === 'running'
  const isTwo = without !== null || ejecting
  return (
    <div className={`Turn-answers${isTwo ? ' Turn-answers--two' : ''}`}>
      <div className={`Answer${ofCartridge ? '' : ' Answer--without'}`}>
        <header>
          {ofCartridge && cartridge !== null ? <TrustBadges cartridge={cartridge} tier={false} /> : null}
          {answerer === undefined ? (
            <span>{ofCartridge ? 'with the cartridge' : 'the bare model'}</span>
          ) : (
            <b className="Answer-from truncate">{answerer ?? 'a cartridge that is gone'}</b>
          )}
        </header>
        <p className="Answer-text" aria-live={latest ? 'polite' : undefined}>
          {answer === '' ? <span className="muted">(no words)</span> : answer}
        </p>
        <footer className="Answer-foot">
          <span className="grow">
            <Dots>
              <Cost tokens={tokens} />
              <span className="Answer-time">{formatSeconds(seconds)}</span>
              {STOPPED[reason] ?? null}
            </Dots>
          </span>
          {ofCartridge && !isTwo ? (
            <Button
              size="s"
              variant="quiet"
              icon={<EjectIcon />}
              isDisabled={isBusy}
              onPress={() => {
                setEjected('')
                void eject.run({ turnId: turn.id, maxNewTokens: props.maxNewTokens })
              }}
            >
              Eject and ask again
            </Button>
          ) : null}
          {turn.traced ? <TraceButton size="s" receiptId={turn.receiptId} /> : null}
          {fromPacketId === null ? null : (
            <Button
              size="s"
              variant="quiet"
              icon={<FlaskConical aria-hidden />}
              isDisabled={isBusy}
              onPress={() =>
                void prove.run({
                  ...{ ref: fromPacketId, delta: turn.question, chat: true, outputTokenIds: turn.outputTokenIds },
                })
              }
            >
              Prove it
            </Button>
          )}
          {onRegenerate === undefined ? null : (
            <IconButton label="Answer again with another seed" isDisabled={busy} onPress={onRegenerate}>
              <Dices aria-hidden />
            </IconButton>
          )}
          <CopyButton text={answer} label="Copy the answer" />
        </footer>
        {turn.routed === null ? null : <Routed routed={turn.routed} />}
        {ofCartridge && latest && props.copiesFacts && cartridge !== null && isRefusal(answer) ? (
          <NoAnswer packetId={cartridge.packetId} />
        ) : null}
        {prove.status === 'running' ? (
          <ProgressBar label={prove.progress?.phase ?? 'reading everything again'} value={null} />
        ) : null}
        {prove.result === null ? null : <Proof result={prove.result} isAwaited={prove.isAwaited} />}
        {prove.status === 'failed' ? (
          <ErrorPanel error={prove.error} action={{ label: 'Dismiss', onPress: prove.reset }} />
        ) : null}
        {eject.status === 'failed' ? (
          <ErrorPanel error={eject.error} action={{ label: 'Dismiss', onPress: eject.reset }} />
        ) : null}
      </div>
      {isTwo ? (
        <div className="Answer Answer--without" aria-busy={ejecting}>
          <header>
            <span>without it</span>
          </header>
          <p className="Answer-text" aria-live="polite">
            {(without?.answer ?? ejected.trimStart()) || (
              <span className="muted">{without === null ? 'reading the question' : '(no words)'}</span>
            )}
          </p>
          <footer>
            {without === null ? (
              <button type="button" className="link" onClick={eject.cancel}>
                stop
              </button>
            ) : (
              <Dots>
                <span>
                  <b>{formatCount(without.tokens)}</b> tokens read and written
                </span>
                <span className="Answer-time">{formatSeconds(without.seconds)}</span>
              </Dots>
            )}
          </footer>
        </div>
      ) : null}
    </div>
  )
}

/** What was read and what was not: a hit that saved nothing says so. */
function Cost({ tokens }: { readonly tokens: TokenCounts }) {
  return (
    <>
      <b>{formatCount(tokens.tail + tokens.delta)}</b> tokens read, {formatCount(tokens.generated)} written
      {tokens.base === 0 ? null : (
        <>
          ,{' '}
          <span className="nowrap">
            {tokens.saved > 0 ? `${formatCount(tokens.saved)} not re-read` : 'nothing saved'}
          </span>
        </>
      )}
    </>
  )
}
