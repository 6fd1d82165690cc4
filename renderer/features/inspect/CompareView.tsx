/** Two cartridges side by side: where their texts part, which components are equal, how far each layer is apart. */
import { useState } from 'react'
import type { StateKind } from '#shared/domain/cartridge.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { useRead } from '../../stores/useRead.ts'
import { Badge } from '../../ui/Badge.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCounted, formatSignificant, shortDigest } from '../../ui/format.ts'
import { Table } from '../../ui/Table.tsx'
import { CartridgeSelect } from './CartridgeSelect.tsx'
import { componentTitle } from './componentTitle.ts'

interface CompareViewProps {
  readonly a: CartridgeSummary
  /** Packet id, context id or name of the other one; null while none is chosen. */
  readonly b: string | null
  readonly onChoose: (packetId: string) => void
}

export function CompareView({ a, b, onChoose }: CompareViewProps) {
  const [name, setName] = useState<string | null>(null)
  const compared = useRead('packets.compare', b === null ? null : { a: a.packetId, b })
  const other = useRead('library.get', b === null || name !== null ? null : { ref: b })
  const otherName = name ?? other.data?.summary.name ?? 'the other'
  return (
    <div className="stack">
      <div>
        <h2>Compare</h2>
        <p className="muted small">
          {b === null ? `Choose what to compare ${a.name} with.` : `${a.name} and ${otherName}`}
        </p>
      </div>
      <CartridgeSelect
        label="Compare with"
        chosen={b === null ? undefined : otherName}
        without={[a.packetId]}
        onChange={chosen => {
          setName(chosen.name)
          onChoose(chosen.packetId)
        }}
      />
      {compared.error === null ? null : <ErrorPanel error={compared.error} />}
      {compared.isFetching && compared.data === undefined ? <p className="muted">Comparing …</p> : null}
      {compared.data === undefined ? null : (
        <Comparison result={compared.data} kind={a.kind} a={a.name} b={otherName} />
      )}
    </div>
  )
}

interface ComparisonProps {
  readonly result: Output<'packets.compare'>
  readonly kind: StateKind
  readonly a: string
  readonly b: string
}

function Comparison({ result, kind, a, b }: ComparisonProps) {
  const { firstDifference, commonTokens, sameContext, components, layers } = result
  const most = Math.max(...layers.map(layer => layer.maxAbsDiff), Number.MIN_VALUE)
  return (
    <>
      <p className="Inspect-note" data-tone={sameContext ? 'ok' : undefined}>
        {sameContext
          ? 'The same context: both states answer alike.'
          : firstDifference === null && commonTokens === 0
            ? 'One of them was mixed, not read: it has no tokens of its own to compare.'
            : firstDifference === null
              ? `One is the beginning of the other: ${formatCounted(commonTokens, 'token')} in common.`
              : commonTokens === 0
                ? 'Nothing in common: they part at the first token.'
                : `${formatCounted(commonTokens, 'token')} in common, then they part.`}
      </p>
      {firstDifference === null ? null : (
        <Parting
          before={firstDifference.before}
          a={firstDifference.a}
          b={firstDifference.b}
          names={[a, b]}
          position={firstDifference.position}
        />
      )}
      <h3>Components</h3>
      <Table
        caption="Components compared"
        rows={components}
        rowKey={component => component.id}
        columns={[
          { id: 'title', title: 'Component', cell: c => componentTitle(c.id, kind) },
          {
            id: 'equal',
            title: 'Equal',
            cell: c => <Badge tone={c.equal ? 'ok' : 'warn'}>{c.equal ? 'equal' : 'differs'}</Badge>,
          },
          {
            id: 'a',
            title: <span className="CompareHead">{a}</span>,
            cell: c => <span className="mono CompareCell">{shortDigest(c.a)}</span>,
          },
          {
            id: 'b',
            title: <span className="CompareHead">{b}</span>,
            cell: c => <span className="mono CompareCell">{shortDigest(c.b)}</span>,
          },
        ]}
      />
      {layers.length === 0 ? null : (
        <>
          <h3>Difference of the state, layer by layer</h3>
          <Table
            caption="Tensor difference per layer"
            rows={layers}
            rowKey={layer => layer.name}
            columns={[
              { id: 'name', title: 'Tensor', cell: layer => <span className="mono">{layer.name}</span> },
              {
                id: 'bar',
                title: 'Of the largest',
                cell: layer => (
                  <span className="Bar" aria-hidden>
                    <i style={{ width: `${(layer.maxAbsDiff / most) * 100}%` }} />
                  </span>
                ),
              },
              { id: 'max', title: 'Largest', numeric: true, cell: layer => formatSignificant(layer.maxAbsDiff, 4) },
              { id: 'mean', title: 'Mean', numeric: true, cell: layer => formatSignificant(layer.meanAbsDiff, 4) },
            ]}
          />
        </>
      )}
    </>
  )
}

interface PartingProps {
  readonly before: string
  readonly a: string
  readonly b: string
  readonly names: readonly [string, string]
  readonly position: number
}

/** The text up to a fork, and both ways on. */
export function Parting({ before, a, b, names, position }: PartingProps) {
  return (
    <figure className="Parting">
      {before === '' ? null : (
        <>
          <figcaption className="small muted">After {formatCounted(position, 'token')}</figcaption>
          <p className="Parting-before">…{before}</p>
        </>
      )}
      <dl>
        <div>
          <dt>{names[0]}</dt>
          <dd data-side="a">{a === '' ? '(ends here)' : a}</dd>
        </div>
        <div>
          <dt>{names[1]}</dt>
          <dd data-side="b">{b === '' ? '(ends here)' : b}</dd>
        </div>
      </dl>
    </figure>
  )
}
