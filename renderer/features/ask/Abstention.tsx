import { Button } from '../../ui/Button.tsx'
import { formatCounted, formatPercent } from '../../ui/format.ts'
import type { Abstained } from './useConversation.ts'

/** The question is about none of the cartridges in the slots: that is said, and they can be asked all the same. */
export function Abstention({
  abstained: { among, nearest },
  onNearest,
  onEach,
}: {
  readonly abstained: Abstained
  readonly onNearest: (packetId: string) => void
  /** Absent where they are too many. */
  readonly onEach?: (() => void) | undefined
}) {
  return (
    <div className="Unanswered" role="status">
      <span className="grow">
        None of the {formatCounted(among, 'cartridge')} is about this.
        {nearest === null
          ? ''
          : ` The nearest, ${nearest.name}, knows ${formatPercent(nearest.accountsFor * 100)} of the question.`}
      </span>
      {nearest === null ? null : (
        <Button size="s" onPress={() => onNearest(nearest.packetId)}>
          Ask the nearest
        </Button>
      )}
      {onEach === undefined ? null : (
        <Button size="s" variant="primary" onPress={onEach}>
          Ask each
        </Button>
      )}
    </div>
  )
}
