/** Remix: new cartridges out of old ones, and who came from what. */
import { useParams, useSearchParams } from 'react-router'
import { REMIX_PARTS } from '#shared/domain/places.ts'
import { Page } from '../../app/Page.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { CompactView } from './CompactView.tsx'
import { ComposeView } from './ComposeView.tsx'
import { LineageView } from './lineage/LineageView.tsx'
import { MergeView } from './MergeView.tsx'
import { MixView } from './MixView.tsx'
import { useSummaries } from './useSummaries.ts'
import { whyNoMix } from './whyNoMix.ts'
import './remix.css'

type Verb = (typeof REMIX_PARTS)[number]['id']

export function RemixPage() {
  const { id } = useParams()
  const [search, setSearch] = useSearchParams()
  const refs = id === undefined ? (search.get('refs')?.split(',') ?? []) : [id]
  const subjects = useSummaries(refs)
  const start = subjects.data ?? []
  const [first = null] = start
  const known = REMIX_PARTS.find(part => part.id === search.get('do'))?.id
  const mixes = start.length > 0 && whyNoMix(start) === null
  const verb = known ?? (mixes ? 'mix' : start.length > 1 ? 'compose' : 'append')
  const go = (next: Verb) =>
    setSearch({ do: next, ...(refs.length > 1 ? { refs: refs.join(',') } : {}) }, { replace: true })
  return (
    <Page title="Remix">
      <div>
        <SegmentedControl<Verb> label="How to remix" value={verb} onChange={go} segments={REMIX_PARTS} />
      </div>
      {subjects.error === null ? null : <ErrorPanel error={subjects.error} />}
      {subjects.data === undefined && subjects.error === null ? (
        <p className="muted" role="status">
          Reading the library …
        </p>
      ) : (
        <div className="Remix" key={refs.join()}>
          {verb === 'append' ? <MergeView start={first} /> : null}
          {verb === 'compose' ? <ComposeView start={start} /> : null}
          {verb === 'mix' ? <MixView start={start} onOther={go} /> : null}
          {verb === 'compact' ? <CompactView start={first} /> : null}
          {verb === 'lineage' ? <LineageView refId={first?.packetId ?? null} /> : null}
        </div>
      )}
    </Page>
  )
}
