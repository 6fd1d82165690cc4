import { FileDown, Pencil, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { ListedConversation } from '#shared/rpc/methods/conversations.ts'
import { useRead } from '../../stores/useRead.ts'
import { dotted } from '../../ui/dotted.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatAgo, formatCount, formatCounted } from '../../ui/format.ts'
import { Menu } from '../../ui/Menu.tsx'
import { NameDialog } from '../../ui/NameDialog.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { useConversationActions } from './useConversationActions.ts'
import './conversations.css'

export interface ConversationListProps {
  readonly current: string
  readonly onOpen: (conversation: ListedConversation) => void
  /** The current one was deleted. */
  readonly onDeleted: () => void
}

/** Every conversation, the one that was used last first; search finds words of names, drafts, questions and answers. */
export function ConversationList({ current, onOpen, onDeleted }: ConversationListProps) {
  const [query, setQuery] = useState('')
  const [limit, setLimit] = useState(60)
  const { data, error, refetch } = useRead('conversations.list', { query, limit }, { keepsLast: true })
  const [renaming, setRenaming] = useState<ListedConversation | null>(null)
  const { rename, remove, exportMarkdown } = useConversationActions()
  const items = data?.items ?? []
  return (
    <div className="Talks">
      <TextField
        aria-label="Find a conversation"
        placeholder="Find a conversation"
        value={query}
        onChange={setQuery}
        maxLength={200}
      />
      {error === null ? null : (
        <ErrorPanel error={error} action={{ label: 'Try again', onPress: () => void refetch() }} />
      )}
      <ul aria-label="Conversations">
        {items.map(item => (
          <li key={item.id} data-current={item.id === current || undefined}>
            <button
              type="button"
              aria-current={item.id === current || undefined}
              title={item.name}
              onClick={() => onOpen(item)}
            >
              <b className="two-lines">{item.name}</b>
              <span className="truncate">{aboutOf(item, query)}</span>
            </button>
            <Menu
              label={`Actions for ${item.name}`}
              items={[
                { id: 'rename', label: 'Rename', icon: <Pencil aria-hidden />, onAction: () => setRenaming(item) },
                {
                  id: 'export',
                  label: 'Export as Markdown',
                  icon: <FileDown aria-hidden />,
                  disabled: item.turns === 0,
                  onAction: () => void exportMarkdown(item.id),
                },
                {
                  id: 'delete',
                  label: 'Delete',
                  icon: <Trash2 aria-hidden />,
                  danger: true,
                  separated: true,
                  onAction: () => void remove(item.id).then(gone => gone && item.id === current && onDeleted()),
                },
              ]}
            />
          </li>
        ))}
      </ul>
      {data !== undefined && items.length === 0 ? (
        <p className="muted small">
          {query.trim() === ''
            ? 'What you ask is kept here, with every answer and what it cost.'
            : 'No conversation holds that.'}
        </p>
      ) : null}
      {data !== undefined && data.total > items.length ? (
        <button type="button" className="link small" onClick={() => setLimit(before => Math.min(500, before + 60))}>
          {formatCount(data.total - items.length)} more
        </button>
      ) : null}
      {renaming === null ? null : (
        <NameDialog
          name={renaming.name}
          onRename={name => rename(renaming.id, name)}
          onClose={() => setRenaming(null)}
        />
      )}
    </div>
  )
}

function aboutOf(
  { turns, cartridge, others, draft, found, updatedAt, slots }: ListedConversation,
  query: string,
): string {
  if (query.trim() !== '' && found !== null) return `“${found}”`
  const first = cartridge ?? (slots.length === 0 ? 'bare model' : 'its cartridge is gone')
  const of = others === 0 ? first : `${first} and ${formatCount(others)} more`
  const what = turns === 0 ? 'draft' : `${formatCounted(turns, 'turn')}${draft === '' ? '' : ', draft'}`
  return dotted(what, formatAgo(updatedAt), of)
}
