/** Remix: new cartridges out of old ones, and who came from what. */
import { useParams, useSearchParams } from 'react-router'
import { REMIX_PARTS } from '#shared/domain/places.ts'
import { Page } from '../../app/Page.tsx'
import { useQuery } from '../../stores/useQuery.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { CompactView } from './CompactView.tsx'
import { ComposeView } from './ComposeView.tsx'
import { LineageView } from './lineage/LineageView.tsx'
import { MergeView } from './MergeView.tsx'
import { MixView } from './MixView.tsx'
import './remix.css'

type Verb = (typeof REMIX_PARTS)[number]['id']

export function RemixPage() {
  const { id } = useParams()
  const [search, setSearch] = useSearchParams()
  const subject = useQuery('library.get', id === undefined ? null : { ref: id })
  const start = subject.data?.summary ?? null
  const verb =
    REMIX_PARTS.find(known => known.id === search.get('do'))?.id ?? (start?.kind === 'ssm' ? 'mix' : 'append')
  const go = (next: Verb) => setSearch({ do: next }, { replace: true })
  const waiting = id !== undefined && subject.data === null && subject.error === null
  return (
    <Page title="Remix">
      <div>
        <SegmentedControl<Verb> label="How to remix" value={verb} onChange={go} segments={REMIX_PARTS} />
      </div>
      {subject.error === null ? null : <ErrorPanel error={subject.error} />}
      {waiting ? (
        <p className="muted" role="status">
          Reading the cartridge …
        </p>
      ) : (
        <div className="Remix" key={start?.packetId ?? ''}>
          {verb === 'append' ? <MergeView start={start} /> : null}
          {verb === 'compose' ? <ComposeView start={start} /> : null}
          {verb === 'mix' ? <MixView start={start} onOther={go} /> : null}
          {verb === 'compact' ? <CompactView start={start} /> : null}
          {verb === 'lineage' ? <LineageView refId={start?.packetId ?? null} /> : null}
        </div>
      )}
    </Page>
  )
}
