import { Download, Pencil, Trash2, Ungroup } from 'lucide-react'
import { areTooMany, useVerbs } from '../../app/cartridgeVerbs.ts'
import { TooManyToAsk } from '../../app/TooManyToAsk.tsx'
import { useStudio } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { Button } from '../../ui/Button.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatCounted, formatRead, formatTokens } from '../../ui/format.ts'
import { Menu } from '../../ui/Menu.tsx'
import { SharedOnce } from './SharedOnce.tsx'
import { useCollectionActions } from './useCollectionActions.ts'
import { useLibraryActions } from './useLibraryActions.ts'

/** What a collection holds, in its order, and what can be done with it as a whole. */
export function CollectionPane({ id, onRename }: { readonly id: string; readonly onRename: () => void }) {
  const { library } = useStudio()
  const verb = useVerbs()
  const { data, error, refetch } = useRead('collections.get', { id })
  const actions = useLibraryActions()
  const { dissolve } = useCollectionActions()
  if (data === undefined) {
    return (
      <aside className="Details" aria-label="Collection" aria-busy={error === null}>
        {error === null ? null : (
          <ErrorPanel error={error} action={{ label: 'Try again', onPress: () => void refetch() }} />
        )}
      </aside>
    )
  }
  const { name, members, packetIds, tokens, bytes } = data
  const [first, ...others] = packetIds
  return (
    <aside className="Details" aria-label="Collection">
      <div className="Details-fan" aria-hidden>
        {members.slice(0, 5).map(member => (
          <span key={member.packetId}>
            <CartridgeFace digest={member.packetId} kind={member.kind} />
          </span>
        ))}
      </div>
      <div className="Details-title">
        <h2>{name}</h2>
        <Menu
          label="More"
          items={[
            { id: 'rename', label: 'Rename', icon: <Pencil aria-hidden />, shortcut: 'F2', onAction: onRename },
            {
              id: 'export',
              label: 'Export each',
              icon: <Download aria-hidden />,
              onAction: () => actions.save(packetIds),
            },
            {
              id: 'dissolve',
              label: 'Dissolve, keep the cartridges',
              icon: <Ungroup aria-hidden />,
              separated: true,
              onAction: () => void dissolve(data).then(gone => gone && library.getState().select([])),
            },
            {
              id: 'delete',
              label: 'Delete',
              icon: <Trash2 aria-hidden />,
              shortcut: 'Del',
              danger: true,
              onAction: () => void actions.remove(packetIds),
            },
          ]}
        />
      </div>
      <Button
        variant="primary"
        wide
        isDisabled={areTooMany('ask', packetIds)}
        onPress={() => first !== undefined && verb('ask', [first, ...others])}
      >
        Ask this collection
      </Button>
      <TooManyToAsk packetIds={packetIds} />
      <Facts
        caption={`Facts about ${name}`}
        facts={[
          { label: 'Holds', value: formatCounted(members.length, 'cartridge') },
          { label: 'Read once', value: formatTokens(tokens, 'tokens') },
          { label: 'Size', value: `${formatBytes(bytes)} in all` },
          { label: 'Models', value: [...new Set(members.map(({ model }) => model.name))].join(', ') },
        ]}
      />
      <SharedOnce />
      <ol className="Members" aria-label="Its cartridges">
        {members.map(member => (
          <li key={member.packetId}>
            <button type="button" onClick={() => library.getState().select([member.packetId])}>
              <span className="CartridgeRow-face">
                <CartridgeFace digest={member.packetId} kind={member.kind} />
              </span>
              {/* Of a part, what tells it from the others. */}
              <span className="truncate grow">
                {member.name.startsWith(`${name}, `) ? member.name.slice(name.length + 2) : member.name}
              </span>
              <span className="muted small">{formatRead(member.tokens)}</span>
            </button>
          </li>
        ))}
      </ol>
    </aside>
  )
}
