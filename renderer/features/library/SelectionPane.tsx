import { Download, Shuffle, Trash2 } from 'lucide-react'
import { useNavigate } from 'react-router'
import { useStore } from 'zustand'
import { useStudio } from '../../stores/studio.ts'
import { Button } from '../../ui/Button.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatCount, formatTokens } from '../../ui/format.ts'
import { useLibraryActions } from './useLibraryActions.ts'

/** What several selected cartridges are together, and what can be done to all of them. */
export function SelectionPane({
  packetIds,
  onClear,
}: {
  readonly packetIds: readonly string[]
  readonly onClear: () => void
}) {
  const { library } = useStudio()
  const navigate = useNavigate()
  const items = useStore(library, s => s.items)
  const actions = useLibraryActions()
  const wanted = new Set(packetIds)
  const chosen = items
    .filter(item => item !== undefined && wanted.has(item.packetId))
    .filter(item => item !== undefined)
  const sum = (of: (item: (typeof chosen)[number]) => number) => chosen.reduce((total, item) => total + of(item), 0)
  return (
    <aside className="Details" aria-label="Selection">
      <div className="Details-fan" aria-hidden>
        {chosen.slice(0, 5).map(item => (
          <span key={item.packetId}>
            <CartridgeFace digest={item.packetId} kind={item.kind} />
          </span>
        ))}
      </div>
      <h2>{formatCount(packetIds.length)} cartridges</h2>
      <Facts
        caption="Selection"
        facts={[
          { label: 'Read', value: `${formatTokens(sum(item => item.tokens))} tokens` },
          { label: 'Size', value: formatBytes(sum(item => item.bytes)) },
          { label: 'Models', value: [...new Set(chosen.map(item => item.model.name))].join(', ') },
        ]}
      />
      <Button
        wide
        icon={<Shuffle aria-hidden />}
        onPress={() => navigate(`/remix?refs=${packetIds.map(encodeURIComponent).join(',')}`)}
      >
        Remix them
      </Button>
      <Button wide icon={<Download aria-hidden />} onPress={() => actions.save(packetIds)}>
        Export
      </Button>
      <Button wide variant="danger" icon={<Trash2 aria-hidden />} onPress={() => void actions.remove(packetIds)}>
        Delete
      </Button>
      <Button wide variant="quiet" onPress={onClear}>
        Clear the selection
      </Button>
    </aside>
  )
}
