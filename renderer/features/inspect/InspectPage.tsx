/** Look inside one cartridge: the twelve components, a comparison, a proof, and why a prompt missed. */

import { GitCompareArrows, ScanSearch, SearchX, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { Navigate, useNavigate, useParams, useSearchParams } from 'react-router'
import { COMPONENTS, type ComponentId } from '#shared/domain/component.ts'
import { Page } from '../../app/Page.tsx'
import { useRead } from '../../stores/useRead.ts'
import { Button } from '../../ui/Button.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { dotted } from '../../ui/dotted.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatBytes, formatRead } from '../../ui/format.ts'
import { TrustBadges } from '../../ui/TrustBadges.tsx'
import { CartridgeSelect } from './CartridgeSelect.tsx'
import { CompareView } from './CompareView.tsx'
import { ComponentList } from './ComponentList.tsx'
import { ComponentView } from './ComponentView.tsx'
import type { Inspection } from './inspectData.ts'
import { ProveDialog } from './ProveDialog.tsx'
import { WhyMissView } from './WhyMissView.tsx'
import './inspect.css'

export function InspectPage() {
  const { id } = useParams()
  return id === undefined ? <MostRecent /> : <Inspected key={id} refId={id} />
}

/** Without a cartridge in the address: the one used last. */
function MostRecent() {
  const navigate = useNavigate()
  const recent = useRead('library.list', { sort: 'used', limit: 1 }, { afresh: true })
  const first = recent.data?.items[0]
  if (first !== undefined) return <Navigate to={`/inspect/${encodeURIComponent(first.packetId)}`} replace />
  return (
    <Page title="Inspect">
      {recent.error === null ? null : (
        <ErrorPanel error={recent.error} action={{ label: 'Try again', onPress: () => void recent.refetch() }} />
      )}
      {recent.data === undefined ? null : (
        <EmptyState
          icon={<ScanSearch />}
          title="Nothing to look into yet"
          actions={
            <Button variant="primary" onPress={() => navigate('/new')}>
              New cartridge
            </Button>
          }
        >
          Make a cartridge, and this page shows its twelve parts: the state layer by layer, every token, and what each
          is bound to.
        </EmptyState>
      )}
    </Page>
  )
}

function Inspected({ refId }: { readonly refId: string }) {
  const navigate = useNavigate()
  const [search, setSearch] = useSearchParams()
  const [proving, setProving] = useState(search.get('prove') !== null)
  const read = useRead('packets.inspect', { ref: refId })
  const inspection = read.data
  const part = search.get('part') ?? 'cache'
  const show = (next: string, other?: string) =>
    setSearch(other === undefined ? { part: next } : { part: next, with: other }, { replace: true })
  return (
    <Page
      title="Inspect"
      fill
      actions={
        <>
          <Button icon={<SearchX aria-hidden />} onPress={() => show('miss')}>
            Why a miss
          </Button>
          <Button
            icon={<GitCompareArrows aria-hidden />}
            isDisabled={inspection === undefined}
            onPress={() => show('compare')}
          >
            Compare
          </Button>
          <Button
            variant="primary"
            icon={<ShieldCheck aria-hidden />}
            isDisabled={inspection === undefined}
            onPress={() => setProving(true)}
          >
            Prove
          </Button>
        </>
      }
    >
      {read.error === null ? null : (
        <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: () => void read.refetch() }} />
      )}
      {inspection === undefined ? (
        read.error === null ? (
          <p className="muted" role="status">
            Reading the cartridge …
          </p>
        ) : null
      ) : (
        <div className="Inspect">
          <section className="Panel Inspect-list" aria-label="Components">
            <Subject
              inspection={inspection}
              onChoose={packetId => navigate(`/inspect/${encodeURIComponent(packetId)}?part=${part}`)}
            />
            <ComponentList
              components={inspection.components}
              kind={inspection.summary.kind}
              selected={componentOf(part)}
              onSelect={show}
            />
          </section>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it */}
          <section className="Panel Inspect-view" aria-label="View" tabIndex={0}>
            <View
              part={part}
              other={search.get('with')}
              inspection={inspection}
              onCompare={packetId => show('compare', packetId)}
            />
          </section>
          <ProveDialog cartridge={inspection.summary} isOpen={proving} onClose={() => setProving(false)} />
        </div>
      )}
    </Page>
  )
}

function componentOf(part: string): ComponentId | null {
  return COMPONENTS.find(component => component.id === part)?.id ?? null
}

interface ViewProps {
  readonly part: string
  readonly other: string | null
  readonly inspection: Inspection
  readonly onCompare: (packetId: string) => void
}

function View({ part, other, inspection, onCompare }: ViewProps) {
  if (part === 'compare') return <CompareView a={inspection.summary} b={other} onChoose={onCompare} />
  if (part === 'miss') return <WhyMissView model={inspection.summary.model.name} />
  const id = componentOf(part) ?? 'cache'
  const row = inspection.components.find(entry => entry.component.id === id)
  return row === undefined ? null : <ComponentView key={id} id={id} row={row} inspection={inspection} />
}

/** Which cartridge is open, how its parts compare with the installed model, and a way to another one. */
function Subject({
  inspection,
  onChoose,
}: {
  readonly inspection: Inspection
  readonly onChoose: (packetId: string) => void
}) {
  const { summary, components } = inspection
  const compared = components.filter(entry => entry.matches !== null)
  const equal = compared.filter(entry => entry.matches === true).length
  return (
    <header className="Subject">
      <div className="Subject-face">
        <CartridgeFace digest={summary.packetId} kind={summary.kind} name={summary.name} width={96} height={56} />
      </div>
      <div className="Subject-text">
        <h2 className="two-lines">{summary.name}</h2>
        <p className="small muted">
          {dotted(summary.model.name, formatRead(summary.tokens), formatBytes(summary.bytes))}
        </p>
        <div className="row">
          <TrustBadges cartridge={summary} tier={false} />
        </div>
      </div>
      <div className="Subject-choose">
        <CartridgeSelect
          label="Another cartridge"
          hideLabel
          placeholder="Look into another cartridge"
          without={[summary.packetId]}
          onChange={c => onChoose(c.packetId)}
        />
      </div>
      <p className="Subject-sum">
        <b>Big 8 + 4</b>{' '}
        <span className="small muted">
          {compared.length === 0
            ? 'model not installed: digests only'
            : `${equal} of ${compared.length} match the installed model`}
        </span>
      </p>
    </header>
  )
}
