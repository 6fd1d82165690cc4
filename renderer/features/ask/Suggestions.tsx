import { X } from 'lucide-react'
import { useRead } from '../../stores/useRead.ts'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { dotted } from '../../ui/dotted.ts'
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
  const { data, error, isFetching, refetch } = useRead('library.suggest', { question }, { keepsLast: true })
  return (
    <section className="Suggestions" aria-label="Suggested cartridges" aria-busy={isFetching}>
      <header>
        <h2>{headline(data, isFetching)}</h2>
        <IconButton label="Close suggestions" onPress={onClose}>
          <X aria-hidden />
        </IconButton>
      </header>
      {error === null ? null : (
        <ErrorPanel error={error} action={{ label: 'Try again', onPress: () => void refetch() }} />
      )}
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
                <b className="two-lines">{cartridge.name}</b>
                <span className="truncate">
                  {dotted(
                    cartridge.model.name,
                    unknown.length > 0 && `does not know “${unknown.slice(0, 3).join('”, “')}”`,
                  )}
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

function headline(
  data: { chosen: string | null; candidates: readonly unknown[] } | undefined,
  isFetching: boolean,
): string {
  if (data === undefined) return isFetching ? 'Asking the library' : 'No suggestions'
  if (data.chosen !== null) return 'This question is about'
  return data.candidates.length === 0 ? 'Nothing here is about this' : 'Nothing here is about this; the nearest'
}
