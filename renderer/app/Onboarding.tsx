import { ArrowRight, BadgeCheck, FileText, Repeat2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useNavigate } from 'react-router'
import { useRead } from '../stores/useRead.ts'
import { useChangeSettings, useSettings } from '../stores/useSettings.ts'
import { useTask } from '../stores/useTask.ts'
import { Button } from '../ui/Button.tsx'
import { CartridgeCard } from '../ui/CartridgeCard.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { dotted } from '../ui/dotted.ts'
import { EjectIcon } from '../ui/EjectIcon.tsx'
import { ErrorPanel } from '../ui/ErrorPanel.tsx'
import { formatCount, formatCounted, formatSeconds } from '../ui/format.ts'
import { toastError } from '../ui/toasts.tsx'
import './onboarding.css'

/** The first minute: what a cartridge is, one that is already here, and an answer from it. Shown until finished or skipped once. */
export function Onboarding() {
  const change = useChangeSettings()
  const onboarded = useSettings()?.onboarded ?? true
  const [step, setStep] = useState(0)
  const finish = () => void change({ onboarded: true }).catch(toastError)
  if (onboarded) return null
  return (
    <Dialog title={TITLES[step] ?? ''} size="m" isOpen onClose={finish}>
      {step === 0 ? <What /> : null}
      {step === 1 ? <Here /> : null}
      {step === 2 ? <Answer onLeave={finish} /> : null}
      <footer className="Onboarding-foot">
        <span className="Onboarding-dots" role="img" aria-label={`Step ${step + 1} of 3`}>
          {TITLES.map((title, i) => (
            <i key={title} data-on={i === step || undefined} />
          ))}
        </span>
        <span className="grow" />
        <Button variant="quiet" onPress={finish}>
          {step === 2 ? 'Close' : 'Skip'}
        </Button>
        {step < 2 ? (
          <Button variant="primary" onPress={() => setStep(step + 1)}>
            Next <ArrowRight aria-hidden />
          </Button>
        ) : null}
      </footer>
    </Dialog>
  )
}

const TITLES = ['Read once, ask for ever', 'A cartridge is already here', 'Ask it something'] as const

function Point({
  icon,
  title,
  children,
}: {
  readonly icon: ReactNode
  readonly title: string
  readonly children: ReactNode
}) {
  return (
    <li>
      <span aria-hidden>{icon}</span>
      <div>
        <b>{title}</b>
        <p>{children}</p>
      </div>
    </li>
  )
}

function What() {
  return (
    <ul className="Onboarding-points">
      <Point icon={<FileText />} title="A model reads your text once">
        What it then remembers, its state, is kept as a file: a cartridge.
      </Point>
      <Point icon={<Repeat2 />} title="Questions cost only their own words">
        The text is not read again, however long it is and however often you ask.
      </Point>
      <Point icon={<BadgeCheck />} title="You can prove it">
        Every run leaves a signed receipt, and one click compares it with reading everything again.
      </Point>
    </ul>
  )
}

function useStarter() {
  const { data, error, refetch } = useRead('library.list', { trust: 'starter', sort: 'created', limit: 50 })
  // The first that was made: it stays the same while the others are still being made.
  return { starter: data?.items.findLast(item => item.model.installed), error, refetch }
}

function Here() {
  const { starter, error, refetch } = useStarter()
  if (error !== null) return <ErrorPanel error={error} action={{ label: 'Try again', onPress: () => void refetch() }} />
  return (
    <div className="Onboarding-here">
      {starter === undefined ? (
        <p className="muted">The starter cartridges are being made. One moment.</p>
      ) : (
        <CartridgeCard cartridge={starter} />
      )}
      <div className="stack">
        <p>
          It came with the Studio, together with the small model that made it. Nothing is downloaded, nothing leaves
          this computer.
        </p>
        <p className="muted">Its face is drawn from its digest, so you recognise it wherever it appears.</p>
      </div>
    </div>
  )
}

function Answer({ onLeave }: { readonly onLeave: () => void }) {
  const navigate = useNavigate()
  const { starter, error: missing, refetch } = useStarter()
  const details = useRead('library.get', starter === undefined ? null : { ref: starter.packetId })
  const [text, setText] = useState('')
  const [question, setQuestion] = useState<string | null>(null)
  const ask = useTask('ask.ask', { onItem: item => setText(before => before + item.text) })
  const eject = useTask('conversations.eject')
  if (missing !== null)
    return <ErrorPanel error={missing} action={{ label: 'Try again', onPress: () => void refetch() }} />
  if (starter === undefined) return <p className="muted">The starter cartridges are being made. One moment.</p>
  const questions = details.data?.exampleQuestions.slice(0, 3) ?? []

  function put(next: string): void {
    if (starter === undefined) return
    setText('')
    setQuestion(next)
    eject.reset()
    void ask.run({ ref: starter.packetId, question: next })
  }
  const result = ask.result?.with
  const step = ask.result?.step
  const without = eject.result?.without
  return (
    <div className="stack">
      <p className="muted">{starter.name} has read a short text. Pick a question.</p>
      <div className="row wrap">
        {questions.map(example => (
          <Button
            key={example}
            isDisabled={ask.status === 'running' || eject.status === 'running'}
            onPress={() => put(example)}
          >
            {example}
          </Button>
        ))}
      </div>
      {question === null ? null : (
        <div className="Onboarding-answer" aria-live="polite" aria-busy={ask.status === 'running'}>
          <b>{question}</b>
          <p>{result?.output ?? text}</p>
          {result == null ? null : (
            <span className="small muted">
              {dotted(
                `${formatCounted(result.tokens.processed, 'token')} processed, ${formatCount(Math.max(0, result.tokens.saved))} not re-read`,
                formatSeconds(result.seconds.total),
              )}
            </span>
          )}
        </div>
      )}
      {eject.status !== 'running' && without == null ? null : (
        <div className="Onboarding-answer Onboarding-answer--without" aria-live="polite" aria-busy={without == null}>
          <b>Without the cartridge</b>
          <p>{without?.answer ?? ''}</p>
          <span className="small muted">
            {without == null
              ? 'the same model, which has read nothing'
              : dotted(
                  `${formatCounted(without.tokens, 'token')} processed by the same model, which has read nothing`,
                  formatSeconds(without.seconds),
                )}
          </span>
        </div>
      )}
      {eject.status === 'failed' ? (
        <ErrorPanel error={eject.error} action={{ label: 'Dismiss', onPress: eject.reset }} />
      ) : null}
      {ask.status === 'failed' ? (
        <ErrorPanel error={ask.error} action={{ label: 'Dismiss', onPress: ask.reset }} />
      ) : null}
      {step === undefined || eject.result !== null ? null : (
        <Button
          variant="primary"
          icon={<EjectIcon />}
          isDisabled={eject.status === 'running'}
          onPress={() => void eject.run({ turnId: step.id })}
        >
          Eject and ask again
        </Button>
      )}
      {result == null ? null : (
        <Button
          variant={eject.result === null ? 'secondary' : 'primary'}
          onPress={() => {
            onLeave()
            void navigate(`/ask/${encodeURIComponent(starter.packetId)}`)
          }}
        >
          Go on asking
        </Button>
      )}
    </div>
  )
}
