import { formatRate } from '../../ui/format.ts'
import type { Live } from './useConversation.ts'

/** An answer that is being written. */
export function LiveTurn({
  live,
  bare,
  onStop,
}: {
  readonly live: Live
  readonly bare: boolean
  /** Absent where another window asked. */
  readonly onStop?: () => void
}) {
  const text = bare ? live.with + live.without : live.with
  return (
    <div className="Turn">
      <p className="Turn-question">{live.question}</p>
      <div className={`Turn-answers${live.compare ? ' Turn-answers--two' : ''}`}>
        <div className="Answer Answer--live" aria-busy>
          <header>{bare ? 'the bare model' : 'with the cartridge'}</header>
          <p className="Answer-text">
            {text.trimStart()}
            <span className="Caret" aria-hidden />
          </p>
          <footer>
            {onStop === undefined ? (
              'being answered'
            ) : (
              <>
                {live.rate === null ? 'reading the question' : formatRate(live.rate)} ·{' '}
                <button type="button" className="link" onClick={onStop}>
                  stop
                </button>
              </>
            )}
          </footer>
        </div>
        {live.compare ? (
          <div className="Answer Answer--without">
            <header>without it</header>
            <p className="Answer-text">{live.without === '' ? <span className="muted">waiting</span> : live.without}</p>
          </div>
        ) : null}
      </div>
    </div>
  )
}
