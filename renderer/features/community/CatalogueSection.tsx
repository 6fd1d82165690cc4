import { useRead } from '../../stores/useRead.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { ExternalLink } from '../../ui/ExternalLink.tsx'
import { formatCount, formatCounted } from '../../ui/format.ts'
import { OfferCard } from './OfferCard.tsx'

export interface Shown {
  readonly query: string
  readonly onlyMine: boolean
}

/** What one catalogue offers; where it cannot be read, why. */
export function CatalogueSection({
  place,
  title,
  query,
  onlyMine,
}: Shown & { readonly place: string; readonly title: string }) {
  const read = useRead('share.browse', { place, query }, { keepsLast: true })
  const entries = (read.data?.entries ?? []).filter(({ modelInstalled }) => modelInstalled || !onlyMine)
  const hidden = read.data?.hidden ?? 0
  return (
    <section className="stack" aria-label={title} aria-busy={read.isFetching}>
      <div className="Community-head">
        <h2>{title}</h2>
        {place === 'shipped' || place === 'hub' ? null : <span className="small muted mono truncate">{place}</span>}
        <span className="grow" />
        {read.data === undefined ? null : (
          <span className="small muted">
            {formatCounted(entries.length, 'cartridge')}
            {hidden === 0 ? '' : `, ${formatCount(hidden)} of blocked publishers hidden`}
          </span>
        )}
        {read.data === undefined || read.data.contact === null ? null : (
          <span className="small">
            <ExternalLink href={read.data.contact}>Report something</ExternalLink>
          </span>
        )}
      </div>
      {read.error === null ? null : (
        <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: () => void read.refetch() }} />
      )}
      {read.data !== undefined && entries.length === 0 ? (
        <p className="muted">
          {query === '' && !onlyMine ? 'It lists nothing.' : 'Nothing in it matches the search and the chosen filter.'}
        </p>
      ) : null}
      <ul className="Offers">
        {entries.map(entry => (
          <li key={`${entry.name} ${entry.packetId}`}>
            <OfferCard offer={entry} catalogue={place} />
          </li>
        ))}
      </ul>
    </section>
  )
}
