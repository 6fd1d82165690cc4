/** Component 1: the state itself, as norms on a heat map, per layer, as values and as a table. */
import { Maximize2, ZoomIn, ZoomOut } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import { hasRecurrence } from '#shared/domain/cartridge.ts'
import { useRead } from '../../../stores/useRead.ts'
import { ErrorPanel } from '../../../ui/ErrorPanel.tsx'
import { Facts } from '../../../ui/Facts.tsx'
import { formatBytes, formatCount, formatCounted, formatFixed, formatSignificant } from '../../../ui/format.ts'
import { IconButton } from '../../../ui/IconButton.tsx'
import { SegmentedControl } from '../../../ui/SegmentedControl.tsx'
import { Table } from '../../../ui/Table.tsx'
import { type HeatControls, HeatMap } from '../heat/HeatMap.tsx'
import type { HeatCell } from '../heat/heatView.ts'
import { layerNorms } from '../heat/layerNorms.ts'
import { rowsOf } from '../heat/rowsOf.ts'
import type { Inspection, TensorName } from '../inspectData.ts'
import { CellValues } from './CellValues.tsx'
import { HeatTable } from './HeatTable.tsx'
import { tokenLabels } from './tokenRuns.ts'

type View = 'map' | 'layers' | 'values' | 'table'
const TITLES = { key: 'Keys', value: 'Values', ssm: 'Recurrent state', conv: 'Convolution history' } as const

export function CacheView({ inspection }: { readonly inspection: Inspection }) {
  const { summary } = inspection
  const tensors = useMemo(
    () => [
      ...(inspection.kv.length > 0 ? (['key', 'value'] as const) : []),
      ...(inspection.ssm.some(hasRecurrence) ? (['ssm'] as const) : []),
      ...(inspection.ssm.length > 0 ? (['conv'] as const) : []),
    ],
    [inspection],
  )
  const [wanted, setTensor] = useState<TensorName>('key')
  const tensor = tensors.find(name => name === wanted) ?? tensors[0] ?? 'key'
  const [view, setView] = useState<View>('map')
  const [cell, setCell] = useState<HeatCell>({ row: 0, column: 0 })
  const controls = useRef<HeatControls>(null)
  const heat = useRead('packets.heatmap', { ref: summary.packetId, tensor }, { keepsLast: true })
  const rows = useMemo(() => rowsOf(inspection, tensor), [inspection, tensor])
  const isKv = tensor === 'key' || tensor === 'value'
  const labels = useMemo(() => rows.map(({ layer, head }) => (isKv ? `L${layer} h${head}` : `${layer}`)), [rows, isKv])
  const names = useMemo(() => tokenLabels(inspection.tokens, inspection.text), [inspection])
  const shape = inspection.ssm[0]?.ssm ?? []
  const columnName = isKv ? 'position' : tensor === 'ssm' && shape.length > 2 ? 'head' : 'channel'

  const drawn = useMemo(
    () => (heat.data === undefined ? null : { ...heat.data, rowLabels: labels }),
    [heat.data, labels],
  )

  if (heat.error !== null)
    return <ErrorPanel error={heat.error} action={{ label: 'Read again', onPress: () => void heat.refetch() }} />
  if (heat.data === undefined || drawn === null || (heat.isFetching && heat.data.rows !== rows.length))
    return <p className="muted">Reading norms …</p>
  const data = drawn
  const at = { row: Math.min(cell.row, data.rows - 1), column: Math.min(cell.column, data.columns - 1) }
  const place = rows[at.row] ?? { layer: at.row, head: 0 }
  const token = isKv ? names[at.column] : undefined
  const where = isKv
    ? `Layer ${place.layer}, head ${place.head}, position ${formatCount(at.column)}${token === undefined ? '' : ` ${token}`}`
    : `Layer ${place.layer}, ${columnName} ${formatCount(at.column)}`
  const norm = data.values[at.row * data.columns + at.column] ?? 0
  const heads = isKv ? (inspection.kv[0]?.kvHeads ?? 1) : 1

  return (
    <div className="stack">
      <div className="row wrap">
        <SegmentedControl
          label="Tensor"
          value={tensor}
          onChange={setTensor}
          segments={tensors.map(id => ({ id, label: TITLES[id] }))}
        />
        <span className="grow" />
        <SegmentedControl<View>
          label="View"
          value={view}
          onChange={setView}
          segments={[
            { id: 'map', label: 'Heat map' },
            { id: 'layers', label: 'Layers' },
            { id: 'values', label: 'Numbers' },
            { id: 'table', label: 'Table' },
          ]}
        />
      </div>
      {view === 'map' ? (
        <HeatMap
          data={data}
          label={`${TITLES[tensor]}: norm by ${isKv ? 'layer, head and position' : `layer and ${columnName}`}`}
          columnName={columnName}
          tone={isKv ? 'kv' : 'ssm'}
          cell={at}
          onCell={setCell}
          onOpen={chosen => {
            setCell(chosen)
            setView('values')
          }}
          group={heads}
          controls={controls}
        >
          <div className="Legend">
            <span>{formatFixed(Math.min(0, data.min), 0)}</span>
            <i data-tone={isKv ? 'kv' : 'ssm'} />
            <span>{formatSignificant(data.max, 3)}</span>
            <IconButton label="Zoom out" onPress={() => controls.current?.zoom(1 / 1.6)}>
              <ZoomOut aria-hidden />
            </IconButton>
            <IconButton label="Zoom in" onPress={() => controls.current?.zoom(1.6)}>
              <ZoomIn aria-hidden />
            </IconButton>
            <IconButton label="Show all" onPress={() => controls.current?.fit()}>
              <Maximize2 aria-hidden />
            </IconButton>
            <span className="grow" />
            <output className="muted">
              {where}: norm {formatSignificant(norm, 4)}
            </output>
          </div>
        </HeatMap>
      ) : null}
      {view === 'layers' ? <LayerBars norms={layerNorms(data, rows)} tone={isKv ? 'kv' : 'ssm'} /> : null}
      {view === 'values' ? (
        <>
          <h3>{where}</h3>
          <CellValues
            refId={summary.packetId}
            tensor={tensor}
            layer={place.layer}
            head={isKv ? place.head : at.column}
            position={isKv ? at.column : 0}
          />
        </>
      ) : null}
      {view === 'table' ? <HeatTable data={data} columnName={columnName} /> : null}
      <CacheFacts inspection={inspection} />
    </div>
  )
}

function LayerBars({ norms, tone }: { readonly norms: ReturnType<typeof layerNorms>; readonly tone: 'kv' | 'ssm' }) {
  const top = Math.max(...norms.map(entry => entry.norm), Number.MIN_VALUE)
  return (
    <Table
      caption="Norm of each layer"
      rows={norms}
      rowKey={entry => String(entry.layer)}
      columns={[
        { id: 'layer', title: 'Layer', cell: entry => entry.layer },
        {
          id: 'bar',
          title: 'Of the largest',
          cell: entry => (
            <span className="Bar" data-tone={tone} aria-hidden>
              <i style={{ width: `${(entry.norm / top) * 100}%` }} />
            </span>
          ),
        },
        { id: 'norm', title: 'Norm', numeric: true, cell: entry => formatSignificant(entry.norm, 5) },
        { id: 'max', title: 'Largest cell', numeric: true, cell: entry => formatSignificant(entry.max, 5) },
      ]}
    />
  )
}

function CacheFacts({ inspection }: { readonly inspection: Inspection }) {
  const { kv, ssm, format, components } = inspection
  const cache = components.find(entry => entry.component.id === 'cache')
  const first = kv[0]
  const recurrent = ssm[0]
  return (
    <Facts
      caption="The stored state"
      facts={[
        ...(first === undefined
          ? []
          : [
              {
                label: 'Keys and values',
                value: (
                  <span className="mono">{`2 × [${first.kvHeads}, ${inspection.summary.tokens}, ${first.headDim}] × ${kv.length}`}</span>
                ),
              },
            ]),
        ...(recurrent === undefined
          ? []
          : [
              ...(hasRecurrence(recurrent)
                ? [
                    {
                      label: 'Recurrent state',
                      value: <span className="mono">{`[${recurrent.ssm.join(', ')}] × ${ssm.length}`}</span>,
                    },
                  ]
                : []),
              {
                label: 'Convolution history',
                value: <span className="mono">{`[${recurrent.conv.join(', ')}] × ${ssm.length}`}</span>,
              },
            ]),
        { label: 'Stored as', value: format.dtype },
        {
          label: 'Size',
          value: `${formatBytes(cache?.bytes ?? 0)} in ${formatCounted(format.blocks.length, 'blob')}`,
        },
      ]}
    />
  )
}
