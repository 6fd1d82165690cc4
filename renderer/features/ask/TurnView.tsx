import { ChevronLeft, ChevronRight, Dices, Pencil } from 'lucide-react'
import { useState } from 'react'
import type { Turn } from '#shared/rpc/methods/turn.ts'
import { formatCount } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { AnswerView, type AnswerViewProps } from './AnswerView.tsx'
import { QuestionEditor } from './QuestionEditor.tsx'

export interface TurnViewProps extends Omit<AnswerViewProps, 'answerer'> {
  /** The answers of other cartridges to the same question. */
  readonly besides: readonly Turn[]
  /** What a cartridge of the conversation is called; null for one that is gone. */
  readonly nameOf: (packetId: string | null) => string | null
  /** The turns that stand in the same place, this one among them. */
  readonly branches: readonly Turn[]
  readonly onBranch: (turnId: string) => void
  /** Absent where its cartridge is no longer in the slot. */
  readonly onEdit?: (question: string) => void
}

/** A question and its answers: several stand side by side. */
export function TurnView(props: TurnViewProps) {
  const { turn, besides, busy, branches, onEdit, onRegenerate, nameOf, ...answerProps } = props
  const [editing, setEditing] = useState(false)
  const place = branches.findIndex(branch => branch.id === turn.id)
  // Which of several answered is of interest where several could.
  const isOfSeveral = turn.routed !== null || besides.length > 0
  const answers = [turn, ...besides]

  return (
    <article className="Turn">
      {editing && onEdit !== undefined ? (
        <QuestionEditor
          question={turn.question}
          onClose={() => setEditing(false)}
          onAsk={question => {
            setEditing(false)
            onEdit(question)
          }}
        />
      ) : (
        <header className="Turn-head">
          <h2 className="Turn-question">{turn.question}</h2>
          {branches.length < 2 ? null : (
            <Branches
              place={place}
              count={branches.length}
              busy={busy}
              onGo={to => props.onBranch(branches[to]?.id ?? turn.id)}
            />
          )}
          {besides.length === 0 || onRegenerate === undefined ? null : (
            <IconButton label="Answer again with another seed" isDisabled={busy} onPress={onRegenerate}>
              <Dices aria-hidden />
            </IconButton>
          )}
          {onEdit === undefined ? null : (
            <IconButton label="Edit the question" isDisabled={busy} onPress={() => setEditing(true)}>
              <Pencil aria-hidden />
            </IconButton>
          )}
        </header>
      )}
      <div className={answers.length > 1 ? 'Turn-each' : undefined}>
        {answers.map(answer => (
          <AnswerView
            {...answerProps}
            key={answer.id}
            turn={answer}
            busy={busy}
            {...(isOfSeveral ? { answerer: nameOf(answer.rootPacketId) } : {})}
            onRegenerate={besides.length === 0 ? onRegenerate : undefined}
          />
        ))}
      </div>
    </article>
  )
}

interface BranchesProps {
  readonly place: number
  readonly count: number
  readonly busy: boolean
  readonly onGo: (place: number) => void
}

/** Which of the turns in one place is on screen, and the way to the others. */
function Branches({ place, count, busy, onGo }: BranchesProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be of a form
    <span className="Turn-branches" role="group" aria-label="Branches">
      <IconButton label="The branch before" isDisabled={busy || place === 0} onPress={() => onGo(place - 1)}>
        <ChevronLeft aria-hidden />
      </IconButton>
      <span>
        {formatCount(place + 1)} of {formatCount(count)}
      </span>
      <IconButton label="The next branch" isDisabled={busy || place === count - 1} onPress={() => onGo(place + 1)}>
        <ChevronRight aria-hidden />
      </IconButton>
    </span>
  )
}
