import { formatRate } from '../../ui/format.ts'
import type { Live } from './useConversation.ts'

/** An answer that is being written, or several, one after the other. */
export function LiveTurn({
  live,
  bare,
  nameOf,
  onStop,
}: {
  readonly live: Live
  readonly bare: boolean
  readonly nameOf: (packetId: string) => string | null
  /** Absent where another window asked. */
  readonly onStop?: () => void
}) {
  const text = bare ? live.with + live.without : live.with
  const answers =
    live.each === null || live.each.length === 0
      ? [{ key: '', from: live.each === null ? (bare ? 'the bare model' : 'with the cartridge') : '', text }]
      : live.each.map(one => ({ key: one.packetId, from: nameOf(one.packetId) ?? '', text: one.text }))
  return (
    <div className="Turn">
      <p className="Turn-question">{live.question}</p>
      <div
        className={`Turn-answers${live.compare ? ' Turn-answers--two' : ''}${answers.length > 1 ? ' Turn-each' : ''}`}
      >
        {answers.map((answer, i) => (
          <div key={answer.key} className="Answer Answer--live" aria-busy={i === answers.length - 1}>
            <header className="truncate">{answer.from}</header>
            <p className="Answer-text">
              {answer.text.trimStart()}
              {i === answers.length - 1 ? <span className="Caret" aria-hidden /> : null}
            </p>
            <footer>
              {i < answers.length - 1 ? null : onStop === undefined ? (
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
        ))}
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
