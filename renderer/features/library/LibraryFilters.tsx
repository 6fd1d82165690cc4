import { LayoutGrid, List } from 'lucide-react'
import { useStore } from 'zustand'
import type { Output } from '#shared/rpc/client.ts'
import { isFiltered } from '../../stores/libraryStore.ts'
import { useStudio } from '../../stores/studio.ts'
import { Chip } from '../../ui/Chip.tsx'
import { formatCounted } from '../../ui/format.ts'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { Select } from '../../ui/Select.tsx'
import type { Layout } from './CartridgeList.tsx'

const KINDS = [
  ['kv', 'KV'],
  ['ssm', 'SSM'],
  ['hybrid', 'Hybrid'],
] as const

const SORTS = [
  { id: 'used', label: 'Last used' },
  { id: 'created', label: 'Newest' },
  { id: 'name', label: 'Name' },
  { id: 'size', label: 'Size' },
  { id: 'tokens', label: 'Tokens' },
] as const

/** The row above the cartridges: facets as chips, sort order, grid or list. */
export function LibraryFilters({
  facets,
  layout,
  onLayout,
}: {
  /** Counted among what the search finds, whatever filters are set; undefined until first read. */
  readonly facets: Output<'library.list'>['facets'] | undefined
  readonly layout: Layout
  readonly onLayout: (layout: Layout) => void
}) {
  const { library } = useStudio()
  const filter = useStore(library, s => s.filter)
  const set = library.getState().setFilter
  const models = Object.entries(facets?.model ?? {})
  const tags = Object.entries(facets?.tag ?? {})
  const isFree = !isFiltered(filter)
  return (
    <div className="Library-filters">
      <fieldset className="Library-chips" aria-label="Filters">
        <Chip
          selected={isFree}
          count={facets?.all ?? 0}
          onChange={() =>
            set({ kind: undefined, model: undefined, tag: undefined, trust: undefined, verified: undefined })
          }
        >
          All
        </Chip>
        {KINDS.map(([kind, label]) => {
          const count = facets?.kind[kind] ?? 0
          if (count === 0 && filter.kind !== kind) return null
          return (
            <Chip
              key={kind}
              selected={filter.kind === kind}
              count={count}
              onChange={on => set({ kind: on ? kind : undefined })}
            >
              {label}
            </Chip>
          )
        })}
        {(facets?.verified.recomputed ?? 0) > 0 || filter.verified === 'recomputed' ? (
          <Chip
            selected={filter.verified === 'recomputed'}
            count={facets?.verified.recomputed ?? 0}
            onChange={on => set({ verified: on ? 'recomputed' : undefined })}
          >
            Recomputed
          </Chip>
        ) : null}
        {(facets?.trust.restricted ?? 0) > 0 || filter.trust === 'restricted' ? (
          <Chip
            selected={filter.trust === 'restricted'}
            count={facets?.trust.restricted ?? 0}
            onChange={on => set({ trust: on ? 'restricted' : undefined })}
          >
            Restricted
          </Chip>
        ) : null}
        {models.length > 1 || filter.model !== undefined ? (
          <Select
            pill
            hideLabel
            label="Model"
            value={filter.model ?? 'any'}
            onChange={model => set({ model: model === 'any' ? undefined : model })}
            options={[
              { id: 'any', label: 'Any model' },
              ...models.map(([model, count]) => ({ id: model, label: model, description: cartridges(count) })),
            ]}
          />
        ) : null}
        {tags.length > 0 || filter.tag !== undefined ? (
          <Select
            pill
            hideLabel
            label="Tag"
            value={filter.tag ?? 'any'}
            onChange={tag => set({ tag: tag === 'any' ? undefined : tag })}
            options={[
              { id: 'any', label: 'Any tag' },
              ...tags.map(([tag, count]) => ({ id: tag, label: tag, description: cartridges(count) })),
            ]}
          />
        ) : null}
      </fieldset>
      <Select
        pill
        hideLabel
        label="Sort by"
        value={filter.sort ?? 'used'}
        onChange={sort => set({ sort })}
        options={SORTS}
      />
      <SegmentedControl
        label="Layout"
        value={layout}
        onChange={onLayout}
        segments={[
          { id: 'grid', label: 'Grid', icon: <LayoutGrid aria-hidden /> },
          { id: 'list', label: 'List', icon: <List aria-hidden /> },
        ]}
      />
    </div>
  )
}

function cartridges(count: number): string {
  return formatCounted(count, 'cartridge')
}
