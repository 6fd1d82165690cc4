import type { Output } from '#shared/rpc/client.ts'
import { formatBytes } from '../../ui/format.ts'
import { Table } from '../../ui/Table.tsx'

const DEVICES: Readonly<Record<string, string>> = { cpu: 'CPU', webgpu: 'WebGPU', cuda: 'CUDA' }

/** Loaded models: what their weights take, and which operations hold them now. */
export function Runtimes({ models }: { readonly models: Output<'memory.status'>['models'] }) {
  return (
    <Table
      caption="Models in memory"
      rows={models}
      rowKey={({ id }) => id}
      columns={[
        { id: 'model', title: 'Model', cell: ({ id }) => id },
        { id: 'precision', title: 'Precision', cell: ({ precision }) => precision },
        { id: 'provider', title: 'Runs on', cell: ({ provider }) => DEVICES[provider] ?? provider },
        { id: 'weights', title: 'Weights', numeric: true, cell: ({ weightsBytes }) => formatBytes(weightsBytes) },
        {
          id: 'held',
          title: 'Held by',
          cell: ({ heldBy }) =>
            heldBy.length === 0 ? <span className="muted">nothing now</span> : [...new Set(heldBy)].join(', '),
        },
      ]}
    />
  )
}
