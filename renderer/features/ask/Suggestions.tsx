import { X } from 'lucide-react'
import { useQuery } from '../../stores/useQuery.ts'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatPercent } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'

export interface SuggestionsProps {
  readonly question: string
  readonly onInsert: (packetId: string) => void
  readonly onClose: () => void
}

/** Which cartridges a question is about, and what each of them does not know of it. */
export function Suggestions({ question, onInsert, onClose }: SuggestionsProps) {
  const { data, error, loading, reload } = useQuery('library.suggest', { question }, ['library.changed'])
  return (
    <section className="Suggestions" aria-label="Suggested cartridges" aria-busy={loading}>
      <header>
        <h2>{headline(data, loading)}</h2>
        <IconButton label="Close suggestions" onPress={onClose}>
          <X aria-hidden />
        </IconButton>
      </header>
      {error === null ? null : <ErrorPanel error={error} action={{ label: 'Try again', onPress: reload }} />}
      <ul>
        {data?.candidates.map(({ cartridge, accountsFor, unknown }) => (
          <li key={cartridge.packetId}>
            <button
              type="button"
              className={cartridge.packetId === data.chosen ? 'Suggestion Suggestion--best' : 'Suggestion'}
              onClick={() => onInsert(cartridge.packetId)}
            >
              <span className="Rack-face">
                <CartridgeFace digest={cartridge.packetId} kind={cartridge.kind} name={cartridge.name} />
              </span>
              <span className="Rack-name">
                <b className="truncate">{cartridge.name}</b>
                <span className="truncate">
                  {cartridge.model.name}
                  {unknown.length === 0 ? '' : ` · does not know “${unknown.slice(0, 3).join('”, “')}”`}
                </span>
              </span>
              <span className="Suggestion-share">knows {formatPercent(accountsFor * 100)} of it</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function headline(data: { chosen: string | null; candidates: readonly unknown[] } | null, loading: boolean): string {
  if (data === null) return loading ? 'Asking the library' : 'No suggestions'
  if (data.chosen !== null) return 'This question is about'
  return data.candidates.length === 0 ? 'Nothing here is about this' : 'Nothing here is about this; the nearest'
}
