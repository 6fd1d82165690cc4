import { Layers } from 'lucide-react'
import { Fragment, useRef, useState } from 'react'
import { MOST_COLLECTED } from '#shared/domain/mostTogether.ts'
import {
  areTooMany,
  type Cartridges,
  useVerbs,
  VERB_IDS,
  VERBS,
  type Verb,
  type VerbId,
} from '../../app/cartridgeVerbs.ts'
import { AskWithEmptySlots } from '../../app/TooManyToAsk.tsx'
import { type LibraryItem, packetIdsOf } from '../../stores/libraryStore.ts'
import type { LibraryPages } from '../../stores/useLibrary.ts'
import { Button } from '../../ui/Button.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatCount, formatCounted, formatTokens } from '../../ui/format.ts'
import { NameDialog } from '../../ui/NameDialog.tsx'
import { SharedOnce } from './SharedOnce.tsx'
import { useCollectionActions } from './useCollectionActions.ts'

const VERBS_OF_MANY = VERB_IDS.filter(id => VERBS[id].many)
const isDangerous = (id: VerbId) => 'danger' in VERBS[id]

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
  const selected = new Set<string>(packetIds)
  // As they were when they were chosen: pages that one has left are given up when the library changes, and no state ever changes.
  const known = useRef(new Map<string, LibraryItem>())
  for (const item of items.flatMap(item => item ?? [])) known.current.set(item.packetId, item)
  const chosen = [...known.current.values()].filter(item => packetIdsOf(item).some(id => selected.has(id)))
  const sum = (of: 'tokens' | 'bytes') => chosen.reduce((total, item) => total + (item.stack ?? item)[of], 0)
  const does = (id: VerbId) => {
    const { label, icon: Icon, danger }: Verb = VERBS[id]
    return (
      <Button
        key={id}
        wide
        variant={danger === true ? 'danger' : 'secondary'}
        icon={<Icon aria-hidden />}
        isDisabled={areTooMany(id, packetIds)}
        onPress={() => verb(id, packetIds)}
      >
        {label}
      </Button>
    )
  }
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
          { label: 'Size', value: `${formatBytes(sum('bytes'))} in all` },
          { label: 'Models', value: <ModelNames names={[...new Set(chosen.map(item => item.model.name))]} /> },
        ]}
      />
      <SharedOnce />
      {VERBS_OF_MANY.filter(id => !isDangerous(id)).map(does)}
      <Button
        wide
        icon={<Layers aria-hidden />}
        isDisabled={packetIds.length > MOST_COLLECTED}
        onPress={() => setNaming(true)}
      >
        Make a collection
      </Button>
      <TooMany packetIds={packetIds} />
      <Button wide variant="quiet" onPress={onClear}>
        Clear the selection
      </Button>
      {VERBS_OF_MANY.filter(isDangerous).map(does)}
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

/** What cannot be done to so many, and what can be done instead; nothing where all can. */
function TooMany({ packetIds }: { readonly packetIds: Cartridges }) {
  const most = VERB_IDS.filter(id => areTooMany(id, packetIds)).map(
    id => `${VERBS[id].label} takes ${formatCount((VERBS[id] as Verb).most ?? 0)}`,
  )
  if (packetIds.length > MOST_COLLECTED) most.push(`a collection holds ${formatCount(MOST_COLLECTED)}`)
  if (most.length === 0) return null
  return (
    <p className="small muted">
      {new Intl.ListFormat('en').format(most)} at most. Choose fewer for {most.length === 1 ? 'that' : 'those'}.
      {areTooMany('ask', packetIds) ? (
        <>
          {' '}
          <AskWithEmptySlots />
        </>
      ) : null}
    </p>
  )
}

/** None is broken at its hyphen. */
function ModelNames({ names }: { readonly names: readonly string[] }) {
  return names.map((name, index) => (
    <Fragment key={name}>
      <span className="nowrap">{index === names.length - 1 ? name : `${name},`}</span>{' '}
    </Fragment>
  ))
}
