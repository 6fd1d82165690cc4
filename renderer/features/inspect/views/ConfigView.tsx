import { useMemo, useState } from 'react'
import { SegmentedControl } from '../../../ui/SegmentedControl.tsx'
import { Table } from '../../../ui/Table.tsx'
import { flattenJson } from './flattenJson.ts'

const isBranch = (value: unknown): value is object => typeof value === 'object' && value !== null

function Node({ name, value, open }: { readonly name: string; readonly value: unknown; readonly open: boolean }) {
  if (!isBranch(value)) {
    return (
      <div className="Tree-leaf">
        <span className="Tree-key">{name}</span>
        <code data-type={value === null ? 'null' : typeof value}>{JSON.stringify(value)}</code>
      </div>
    )
  }
  const entries = Object.entries(value)
  return (
    <details open={open} className="Tree-branch">
      <summary>
        <span className="Tree-key">{name}</span>{' '}
        <span className="muted">{Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </summary>
      <div className="Tree-children">
        {entries.map(([key, item]) => (
          <Node key={key} name={key} value={item} open={entries.length <= 12} />
        ))}
      </div>
    </details>
  )
}

/** The model's config.json as it was when the state was made: a tree, a table of paths, or the JSON itself. */
export function ConfigView({ config }: { readonly config: unknown }) {
  const [view, setView] = useState<'tree' | 'table' | 'json'>('tree')
  const flat = useMemo(() => flattenJson(config), [config])
  return (
    <div className="stack">
      <SegmentedControl
        label="View"
        value={view}
        onChange={setView}
        segments={[
          { id: 'tree', label: 'Tree' },
          { id: 'table', label: 'Table' },
          { id: 'json', label: 'JSON' },
        ]}
      />
      {view === 'tree' ? (
        <div className="Tree">
          <Node name="config.json" value={config} open />
        </div>
      ) : null}
      {view === 'table' ? (
        <Table
          caption="Model config"
          rows={flat}
          rowKey={row => row.path}
          columns={[
            { id: 'path', title: 'Field', cell: row => <span className="mono">{row.path}</span> },
            { id: 'value', title: 'Value', cell: row => <span className="mono">{row.value}</span> },
          ]}
        />
      ) : null}
      {view === 'json' ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it
        <pre className="Code" tabIndex={0}>
          {JSON.stringify(config, null, 2)}
        </pre>
      ) : null}
    </div>
  )
}
