/** Who came from what, by which operation. Nodes lead to cartridges, edge labels to receipts; the table says the same in rows. */
import { GitFork } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Link } from 'react-router'
import { useRead } from '../../../stores/useRead.ts'
import { CartridgeFace } from '../../../ui/CartridgeFace.tsx'
import { EmptyState } from '../../../ui/EmptyState.tsx'
import { ErrorPanel } from '../../../ui/ErrorPanel.tsx'
import { formatRead, shortDigest } from '../../../ui/format.ts'
import { Panel } from '../../../ui/Panel.tsx'
import { SegmentedControl } from '../../../ui/SegmentedControl.tsx'
import { VirtualTable } from '../../../ui/VirtualTable.tsx'
import { drawnLineage } from './drawnLineage.ts'
import { edgeLabels } from './edgeLabels.ts'
import { edgeKey, layoutLineage, type Placed } from './layoutLineage.ts'

type Lineage = ReturnType<typeof drawnLineage>
type LineageNode = Lineage['nodes'][number]

const NODE = { width: 190, height: 64 }
const GAP = { x: 150, y: 20 }
const PAD = 6

export function LineageView({ refId }: { readonly refId: string | null }) {
  const [view, setView] = useState<'graph' | 'table'>('graph')
  const [scope, setScope] = useState<'family' | 'all'>(refId === null ? 'all' : 'family')
  const read = useRead('library.lineage', scope === 'family' && refId !== null ? { ref: refId } : {}, {
    keepsLast: true,
  })
  const lineage = useMemo(() => (read.data === undefined ? null : drawnLineage(read.data, refId)), [read.data, refId])
  return (
    <Panel
      title="Lineage"
      note="Who came from what"
      actions={
        <>
          {refId === null ? null : (
            <SegmentedControl
              label="Whose"
              value={scope}
              onChange={setScope}
              segments={[
                { id: 'family', label: 'This family' },
                { id: 'all', label: 'All' },
              ]}
            />
          )}
          <SegmentedControl
            label="View"
            value={view}
            onChange={setView}
            segments={[
              { id: 'graph', label: 'Graph' },
              { id: 'table', label: 'Table' },
            ]}
          />
        </>
      }
    >
      {read.error === null ? null : (
        <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: () => void read.refetch() }} />
      )}
      {lineage === null ? null : lineage.edges.length === 0 ? (
        <EmptyState icon={<GitFork />} title="No descendants yet">
          Append to a cartridge, mix or compose some, or keep an answer: the new one is drawn here beside what it came
          from.
        </EmptyState>
      ) : view === 'graph' ? (
        <Graph lineage={lineage} current={refId} />
      ) : (
        <LineageTable lineage={lineage} />
      )}
    </Panel>
  )
}

/** A smooth line through the places of an edge: out of the parent's right side, along free places, into the child's left. */
function edgePath(way: readonly { readonly x: number; readonly y: number }[]): string {
  let path = ''
  for (const [i, to] of way.entries()) {
    const from = way[i - 1]
    const y2 = to.y + NODE.height / 2
    if (from === undefined) {
      path = `M${to.x + NODE.width} ${y2}`
      continue
    }
    const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2]
    const bend = (to.x - x1) / 2
    path += `C${x1 + bend} ${y1} ${to.x - bend} ${y2} ${to.x} ${y2}`
    if (i < way.length - 1) path += `h${NODE.width}`
  }
  return path
}

function Graph({ lineage, current }: { readonly lineage: Lineage; readonly current: string | null }) {
  const { nodes, edges } = lineage
  const layout = useMemo(() => {
    const ids = nodes.map(node => node.packetId)
    return layoutLineage(ids, edges)
  }, [nodes, edges])
  const spot = ({ column, row }: Placed) => ({
    x: PAD + column * (NODE.width + GAP.x),
    y: PAD + row * (NODE.height + GAP.y),
  })
  const place = new Map(layout.nodes.map(node => [node.id, spot(node)]))
  const width = layout.columns * (NODE.width + GAP.x) - GAP.x + 2 * PAD
  const height = layout.rows * (NODE.height + GAP.y) - GAP.y + 2 * PAD
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it
    <section className="Lineage" aria-label="Graph of descent" tabIndex={0}>
      <div style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true" className="Lineage-edges">
          {edges.map(edge => {
            const from = place.get(edge.parent)
            const to = place.get(edge.child)
            if (from === undefined || to === undefined) return null
            return (
              <path
                key={edgeKey(edge)}
                d={edgePath([from, ...(layout.routes.get(edgeKey(edge)) ?? []).map(spot), to])}
              />
            )
          })}
        </svg>
        {nodes.map(node => {
          const at = place.get(node.packetId)
          return at === undefined ? null : (
            <Node key={node.packetId} node={node} at={at} current={node.packetId === current} />
          )
        })}
        {edgeLabels(edges).map(({ key, child, receiptId, label, offset }) => {
          const to = place.get(child)
          if (to === undefined) return null
          const style = { left: to.x - 14, top: to.y + NODE.height / 2 + offset - 10 }
          return receiptId === null ? (
            <span key={key} className="Lineage-op truncate" style={style} title={label}>
              {label}
            </span>
          ) : (
            <Link
              key={key}
              className="Lineage-op truncate"
              style={style}
              to={`/receipts/${encodeURIComponent(receiptId)}`}
              title={label}
              aria-label={`Receipt of this: ${label}`}
            >
              {label}
            </Link>
          )
        })}
      </div>
    </section>
  )
}

function Node({
  node,
  at,
  current,
}: {
  readonly node: LineageNode
  readonly at: { x: number; y: number }
  readonly current: boolean
}) {
  const style = { left: at.x, top: at.y, width: NODE.width, height: NODE.height }
  if (!node.present) {
    return (
      <span className="Lineage-node" data-gone style={style}>
        <span className="Lineage-text">
          <b className="two-lines">{node.name ?? shortDigest(node.packetId)}</b>
          <span className="small muted">not in this library</span>
        </span>
      </span>
    )
  }
  return (
    <Link
      className="Lineage-node"
      data-current={current || undefined}
      style={style}
      to={`/inspect/${encodeURIComponent(node.packetId)}`}
    >
      <span className="Lineage-face">
        <CartridgeFace digest={node.packetId} kind={node.kind ?? 'kv'} name={node.name} width={46} height={46} />
      </span>
      <span className="Lineage-text">
        <b className="two-lines">{node.name ?? `After “${node.question ?? shortDigest(node.packetId)}”`}</b>
        <span className="small muted">{formatRead(node.tokens)}</span>
      </span>
    </Link>
  )
}

function LineageTable({ lineage }: { readonly lineage: Lineage }) {
  const nodes = new Map(lineage.nodes.map(node => [node.packetId as string, node]))
  const cell = (id: string) => {
    const node = nodes.get(id)
    const name = node?.name ?? shortDigest(id)
    return node?.present === true ? (
      <Link className="link" to={`/inspect/${encodeURIComponent(id)}`}>
        {name}
      </Link>
    ) : (
      <span className="muted">{name}, not here</span>
    )
  }
  return (
    <VirtualTable
      caption="Descent"
      rows={lineage.edges}
      rowKey={edgeKey}
      columns={[
        { id: 'child', title: 'Cartridge', width: 'minmax(160px, 1fr)', cell: edge => cell(edge.child) },
        { id: 'op', title: 'Made by', width: 'minmax(110px, 0.8fr)', cell: edge => edge.label },
        { id: 'parent', title: 'From', width: 'minmax(160px, 1fr)', cell: edge => cell(edge.parent) },
        {
          id: 'receipt',
          title: 'Receipt',
          width: '150px',
          cell: edge =>
            edge.receiptId === null ? (
              'none'
            ) : (
              <Link className="link mono" to={`/receipts/${encodeURIComponent(edge.receiptId)}`}>
                {shortDigest(edge.receiptId)}
              </Link>
            ),
        },
      ]}
    />
  )
}
