import { useNavigate } from 'react-router'
import { Button } from '../ui/Button.tsx'
import { formatCounted } from '../ui/format.ts'
import { areTooMany, VERBS } from './cartridgeVerbs.ts'
import { EMPTY_SLOTS, emptySlotsAddress } from './emptySlots.ts'

/** Why these cannot be asked at once, and how they still can be; nothing where they can. */
export function TooManyToAsk({ packetIds }: { readonly packetIds: readonly string[] }) {
  if (!areTooMany('ask', packetIds)) return null
  return (
    <p className="small muted">
      {VERBS.ask.label} takes {formatCounted(VERBS.ask.most, 'cartridge')} at most. <AskWithEmptySlots />
    </p>
  )
}

/** How a question is asked of any number of cartridges. */
export function AskWithEmptySlots() {
  const navigate = useNavigate()
  return (
    <>
      {EMPTY_SLOTS.why}{' '}
      <Button size="s" variant="quiet" onPress={() => navigate(emptySlotsAddress())}>
        {EMPTY_SLOTS.label}
      </Button>
    </>
  )
}
