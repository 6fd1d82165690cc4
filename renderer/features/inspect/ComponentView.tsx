/** One component opened: what it is, how it is kept, and the view that belongs to it. */
import { type ReactNode, useMemo, useState } from 'react'
import type { ComponentId } from '#shared/domain/component.ts'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatCount, formatCounted, shortDigest } from '../../ui/format.ts'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { VirtualTable } from '../../ui/VirtualTable.tsx'
import { componentTitle } from './componentTitle.ts'
import type { InspectedComponent, Inspection } from './inspectData.ts'
import { CacheView } from './views/CacheView.tsx'
import { ConfigView } from './views/ConfigView.tsx'
import { FormatView } from './views/FormatView.tsx'
import { LogitsView } from './views/LogitsView.tsx'
import { MaskView } from './views/MaskView.tsx'
import { PositionView } from './views/PositionView.tsx'
import { spanKindsAt } from './views/spanKindsAt.ts'
import { TokenizerView } from './views/TokenizerView.tsx'
import { TokenText } from './views/TokenText.tsx'
import { tokenLabels } from './views/tokenRuns.ts'
import { WeightsView } from './views/WeightsView.tsx'

/** Why each component has to be there, in a sentence. */
const MEANING: Readonly<Record<ComponentId, string>> = {
  cache: 'What the model remembers of the text: the whole of its working memory.',
  embeddings:
    'The table that turned token ids into vectors. It stays with the model; the state is bound to it by digest.',
  position: 'Where the next token stands, and how positions were encoded.',
  tokens: 'Exactly what was read, as token ids.',
  mask: 'Which stored positions later tokens may attend to.',
  config: 'The model configuration as it was when the state was made.',
  norms: 'Normalisation weights, bound by digest per tensor.',
  mixers: 'Attention or mixer weights, bound by digest per tensor.',
  logits: 'What the model would say next, right after the last token that was read.',
  tokenizer: 'The vocabulary and rules by which text became tokens.',
  format: 'How the numbers are laid out, so that they can be read in ten years.',
  prompt: 'Tokens that did not come from the source text: system prompt, template, control tokens.',
}

const TENSOR_WORDS = { norms: 'Normalisation weights', mixers: 'Attention or mixer weights' } as const

interface ComponentViewProps {
  readonly id: ComponentId
  readonly row: InspectedComponent
  readonly inspection: Inspection
}

export function ComponentView({ id, row, inspection }: ComponentViewProps) {
  return (
    <div className="stack">
      <div>
        <h2>{componentTitle(id, inspection.summary.kind)}</h2>
        <p className="muted small">{MEANING[id]}</p>
      </div>
      {row.matches === false ? (
        <p className="Inspect-note" data-tone="bad">
          This differs from the model installed here under the same name. The cartridge will not run until the right
          model is added.
        </p>
      ) : null}
      {row.component.status === 'not-applicable' ? (
        <p className="Inspect-note">Not applicable: {row.component.reason}.</p>
      ) : (
        body(id, inspection)
      )}
      <Binding row={row} />
    </div>
  )
}

function body(id: ComponentId, inspection: Inspection): ReactNode {
  switch (id) {
    case 'cache':
      return <CacheView key={inspection.summary.packetId} inspection={inspection} />
    case 'embeddings':
      return null
    case 'position':
      return <PositionView inspection={inspection} />
    case 'tokens':
      return <Tokens inspection={inspection} mode="boundaries" />
    case 'mask':
      return <MaskView inspection={inspection} />
    case 'config':
      return <ConfigView config={inspection.modelConfig} />
    case 'norms':
    case 'mixers':
      return <WeightsView tensors={inspection[id]} what={TENSOR_WORDS[id]} />
    case 'logits':
      return <LogitsView inspection={inspection} />
    case 'tokenizer':
      return <TokenizerView inspection={inspection} />
    case 'format':
      return <FormatView inspection={inspection} />
    case 'prompt':
      return <Tokens inspection={inspection} mode="spans" />
  }
}

function Tokens({ inspection, mode }: { readonly inspection: Inspection; readonly mode: 'boundaries' | 'spans' }) {
  const [view, setView] = useState<'text' | 'table'>('text')
  const kinds = spanKindsAt(inspection.tokens.length, inspection.spans)
  const labels = useMemo(() => tokenLabels(inspection.tokens, inspection.text), [inspection])
  const marked = kinds.filter(kind => kind !== null).length
  return (
    <div className="stack">
      <div className="row wrap">
        <p className="small">
          {mode === 'boundaries'
            ? `${formatCounted(inspection.tokens.length, 'token')} over ${formatCounted(inspection.text.length, 'character')}.`
            : marked === 0
              ? 'Nothing was added: every token comes from the source text.'
              : `${formatCount(marked)} of ${formatCounted(inspection.tokens.length, 'token')} were added around the source text.`}
        </p>
        <span className="grow" />
        <SegmentedControl
          label="View"
          value={view}
          onChange={setView}
          segments={[
            { id: 'text', label: 'Text' },
            { id: 'table', label: 'Table' },
          ]}
        />
      </div>
      {mode === 'spans' && inspection.spans.length > 0 ? (
        <ul className="SpanLegend" aria-label="Kinds of spans">
          {[...new Set(inspection.spans.map(span => span.kind))].map(kind => (
            <li key={kind} data-kind={kind}>
              {kind}
            </li>
          ))}
        </ul>
      ) : null}
      {view === 'text' ? (
        <TokenText
          label="The text as tokens"
          tokens={inspection.tokens}
          text={inspection.text}
          spans={inspection.spans}
          mode={mode}
        />
      ) : (
        <VirtualTable
          caption="Tokens"
          rows={inspection.tokens}
          rowKey={(_, at) => String(at)}
          columns={[
            { id: 'at', title: 'Position', width: '80px', numeric: true, cell: (_, at) => formatCount(at) },
            {
              id: 'id',
              title: 'Id',
              width: '80px',
              numeric: true,
              cell: token => <span className="mono">{token.id}</span>,
            },
            {
              id: 'text',
              title: 'Text',
              width: 'minmax(120px, 1fr)',
              cell: (_, at) => <code className="Glyphs">{labels[at]}</code>,
            },
            {
              id: 'chars',
              title: 'Characters',
              width: '110px',
              numeric: true,
              cell: token => `${token.start}–${token.end}`,
            },
            { id: 'kind', title: 'Origin', width: '100px', cell: (_, at) => kinds[at] ?? 'source' },
          ]}
        />
      )}
    </div>
  )
}

/** How the component is tied down: digest, shape, size, and whether it is the installed model's. */
function Binding({ row }: { readonly row: InspectedComponent }) {
  const { component, shape, bytes, matches } = row
  if (component.status === 'not-applicable') return null
  return (
    <Facts
      caption="How it is kept"
      facts={[
        {
          label: 'Kept',
          value: component.status === 'captured' ? 'in the cartridge' : 'with the model, bound by digest',
        },
        ...(component.status === 'bound' && component.reason !== undefined
          ? [{ label: 'Why', value: component.reason }]
          : []),
        ...(shape === '' || component.id === 'cache'
          ? []
          : [{ label: 'Shape', value: <span className="mono">{shape}</span> }]),
        ...(bytes === 0 || component.id === 'cache' ? [] : [{ label: 'Size', value: formatBytes(bytes) }]),
        { label: 'Installed model', value: matches === null ? 'not installed' : matches ? 'matches' : 'differs' },
        {
          label: 'Digest',
          value: (
            <span className="row">
              <span className="mono">{shortDigest(component.digest)}</span>
              <CopyButton text={component.digest} label="Copy digest" />
            </span>
          ),
        },
      ]}
    />
  )
}
