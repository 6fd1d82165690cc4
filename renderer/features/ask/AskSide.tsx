import { useState } from 'react'
import type { ListedConversation } from '#shared/rpc/methods/conversations.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { Button } from '../../ui/Button.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatPercent, formatSaving, formatTokens } from '../../ui/format.ts'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { CartridgeRack } from './CartridgeRack.tsx'
import { ConversationList } from './ConversationList.tsx'
import { KeepDialog } from './KeepDialog.tsx'
import { SessionChart } from './SessionChart.tsx'
import { Timeline } from './Timeline.tsx'
import { cumulative } from './turns.ts'
import type { Conversation } from './useConversation.ts'

export type SideView = 'conversations' | 'timeline' | 'cartridges'

export interface AskSideProps {
  readonly view: SideView
  readonly onView: (view: SideView) => void
  /** The only one in the slots. */
  readonly cartridge: CartridgeSummary | null
  readonly slots: readonly string[]
  readonly conversation: Conversation
  readonly onInsert: (packetIds: readonly string[]) => void
  readonly onAdd: (packetIds: readonly string[]) => void
  /** Goes back to a step; null: to the cartridge as it was. */
  readonly onRewind: (turnId: string | null) => void
  readonly onOpen: (conversation: ListedConversation) => void
  /** The conversation on screen was deleted. */
  readonly onDeleted: () => void
}

/** Right of the conversation: its timeline and what it saved, the other conversations, or the cartridges to put into the slot. */
export function AskSide({ view, onView, cartridge, slots, conversation, ...on }: AskSideProps) {
  const [keeping, setKeeping] = useState(false)
  const points = cumulative(conversation.answers)
  const total = points.at(-1) ?? { naive: 0, processed: 0 }
  const head = conversation.thread.at(-1) ?? null
  return (
    <aside className="Details AskSide" aria-label="Timeline and cartridges">
      <SegmentedControl
        label="Show"
        value={view}
        onChange={onView}
        segments={[
          { id: 'conversations', label: 'Conversations' },
          { id: 'timeline', label: 'Timeline' },
          { id: 'cartridges', label: 'Cartridges' },
        ]}
      />
      {view === 'conversations' ? (
        <ConversationList current={conversation.id} onOpen={on.onOpen} onDeleted={on.onDeleted} />
      ) : view === 'cartridges' ? (
        <CartridgeRack
          slots={cartridge === null ? slots : [cartridge.packetId]}
          onInsert={on.onInsert}
          onAdd={on.onAdd}
        />
      ) : (
        <>
          <p className="muted small">Every answer is a checkpoint. Rewind or branch from any of them.</p>
          <Timeline cartridge={cartridge} slots={slots.length} conversation={conversation} onRewind={on.onRewind} />
          <h2>This conversation</h2>
          {points.length < 2 ? (
            <p className="muted small">
              What re-reading would have cost, and what was really processed, is drawn here.
            </p>
          ) : (
            <>
              <SessionChart points={points} />
              <Facts
                caption="This conversation in tokens"
                facts={[
                  { label: 'Processed', value: formatTokens(total.processed, 'tokens') },
                  { label: 'Re-reading everything', value: formatTokens(total.naive, 'tokens') },
                  {
                    label: 'Saved',
                    value: (
                      <b>
                        {formatSaving(total.naive === 0 ? 0 : 100 * (1 - total.processed / total.naive), formatPercent)}
                      </b>
                    ),
                  },
                ]}
              />
            </>
          )}
          {head === null ? null : (
            <Button wide isDisabled={!head.stateKept} onPress={() => setKeeping(true)}>
              Keep as a cartridge
            </Button>
          )}
        </>
      )}
      {keeping && head !== null ? <KeepDialog step={head} onClose={() => setKeeping(false)} /> : null}
    </aside>
  )
}
