import { Layers } from 'lucide-react'
import { useState } from 'react'
import { type Cartridges, useVerbs, VERB_IDS, VERBS, type Verb } from '../../app/cartridgeVerbs.ts'
import { packetIdsOf } from '../../stores/libraryStore.ts'
import type { LibraryPages } from '../../stores/useLibrary.ts'
import { Button } from '../../ui/Button.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatCounted, formatTokens } from '../../ui/format.ts'
import { NameDialog } from '../../ui/NameDialog.tsx'
import { useCollectionActions } from './useCollectionActions.ts'

/** What several selected cartridges are together, and what can be done to all of them. */
export function SelectionPane({
  items,
  packetIds,
  onClear,
}: {
  readonly items: LibraryPages['items']
  readonly packetIds: Cartridges
  readonly onClear: () => void
}) {
  const collections = useCollectionActions()
  const verb = useVerbs()
  const [naming, setNaming] = useState(false)
  // Of a collection, its first cartridge is drawn.
  const chosen = items
    .filter(item => item !== undefined)
    .filter(item => packetIdsOf(item).some(id => packetIds.includes(id)))
  const sum = (of: 'tokens' | 'bytes') => chosen.reduce((total, item) => total + (item.stack ?? item)[of], 0)
  return (
    <aside className="Details" aria-label="Selection">
      <div className="Details-fan" aria-hidden>
        {chosen.slice(0, 5).map(item => (
          <span key={item.packetId}>
            <CartridgeFace digest={item.packetId} kind={item.kind} />
          </span>
        ))}
      </div>
      <h2>{formatCounted(packetIds.length, 'cartridge')}</h2>
      <Facts
        caption="Selection"
        facts={[
          { label: 'Read', value: formatTokens(sum('tokens'), 'tokens') },
          { label: 'Size', value: formatBytes(sum('bytes')) },
          { label: 'Models', value: [...new Set(chosen.map(item => item.model.name))].join(', ') },
        ]}
      />
      {VERB_IDS.filter(id => VERBS[id].many).map(id => {
        const { label, icon: Icon, danger }: Verb = VERBS[id]
        return (
          <Button
            key={id}
            wide
            variant={danger === true ? 'danger' : 'secondary'}
            icon={<Icon aria-hidden />}
            onPress={() => verb(id, packetIds)}
          >
            {label}
          </Button>
        )
      })}
      <Button wide icon={<Layers aria-hidden />} onPress={() => setNaming(true)}>
        Make a collection
      </Button>
      <Button wide variant="quiet" onPress={onClear}>
        Clear the selection
      </Button>
      {naming ? (
        <NameDialog
          title="Make a collection"
          name=""
          onRename={name => collections.make(name, packetIds)}
          onClose={() => setNaming(false)}
        />
      ) : null}
    </aside>
  )
}
