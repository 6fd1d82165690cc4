/** What the model expected, token by token: the text coloured by surprisal, or the same as a table. */
import { useState } from 'react'
import type { Output } from '#shared/rpc/client.ts'
import type { TraceStep } from '#shared/rpc/methods/receipts.ts'
import { formatCount, formatCounted } from '../../ui/format.ts'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { Stat } from '../../ui/Stat.tsx'
import { VirtualTable } from '../../ui/VirtualTable.tsx'
import { formatBits, formatProbability, SURPRISE_LEVELS, surpriseLevel } from './surprisal.ts'
import { TokenExpectation } from './TokenExpectation.tsx'
import { TraceText } from './TraceText.tsx'
import './trace.css'

type Part = 'read' | 'generated'

export function TraceView({ trace }: { readonly trace: Output<'receipts.trace'> }) {
  const [part, setPart] = useState<Part>(trace.read.length > 0 ? 'read' : 'generated')
  const [as, setAs] = useState<'text' | 'table'>('text')
  const [selected, setSelected] = useState<number | null>(null)
  const steps = trace[part]
  const step = selected === null ? undefined : steps[selected]
  return (
    <div className="stack">
      <div className="Stats">
        <Stat
          label="Entropy price of what was read"
          value={formatBits(trace.readBits)}
          note={price(trace.readBits, trace.read.length)}
        />
        <Stat
          label="Of the answer"
          value={formatBits(trace.generatedBits)}
          note={price(trace.generatedBits, trace.generated.length)}
        />
      </div>
      <p className="small muted">
        A token the model already expected tells it little. The entropy price counts only what was new to it: the sum of
        −log₂ of the probability each token had. The token price counts them all alike.
      </p>
      <div className="row wrap">
        <SegmentedControl<Part>
          label="Which part"
          value={part}
          onChange={chosen => {
            setPart(chosen)
            setSelected(null)
          }}
          segments={[
            { id: 'read', label: 'Question' },
            { id: 'generated', label: 'Answer' },
          ]}
        />
        <SegmentedControl
          label="Show as"
          value={as}
          onChange={setAs}
          segments={[
            { id: 'text', label: 'Text' },
            { id: 'table', label: 'Table' },
          ]}
        />
      </div>
      {steps.length === 0 ? <p className="muted">Nothing was recorded in this part.</p> : null}
      {steps.length > 0 && as === 'table' ? <TraceTable steps={steps} /> : null}
      {steps.length > 0 && as === 'text' ? (
        <>
          <ul className="TraceLegend" aria-label="Colours">
            {SURPRISE_LEVELS.map(({ level, label, range }) => (
              <li key={level}>
                <i data-level={level} aria-hidden />
                {label} <span className="muted">{range}</span>
              </li>
            ))}
          </ul>
          <TraceText
            label={part === 'read' ? 'What was read' : 'The answer'}
            steps={steps}
            selected={selected}
            onSelect={setSelected}
          />
          <div className="TraceDetail" aria-live="polite">
            {step === undefined ? (
              <p className="small muted">Choose a token to see what the model expected in its place.</p>
            ) : (
              <TokenExpectation step={step} />
            )}
          </div>
        </>
      ) : null}
    </div>
  )
}

function price(bits: number, tokens: number): string {
  if (tokens === 0) return 'no tokens'
  return `Token price: ${formatCounted(tokens, 'token')}, ${formatBits(bits / tokens)} each`
}

function TraceTable({ steps }: { readonly steps: readonly TraceStep[] }) {
  return (
    <VirtualTable
      caption="Surprisal of each token"
      rows={steps}
      rowKey={(_, index) => String(index)}
      columns={[
        { id: 'index', title: 'Place', width: '64px', numeric: true, cell: (_, index) => formatCount(index) },
        {
          id: 'text',
          title: 'Token',
          width: 'minmax(110px, 1fr)',
          cell: ({ text }) => <code className="truncate">{JSON.stringify(text)}</code>,
        },
        {
          id: 'bits',
          title: 'Surprisal',
          width: '100px',
          numeric: true,
          cell: ({ surprisalBits }) => (surprisalBits === null ? 'none' : formatBits(surprisalBits)),
        },
        {
          id: 'probability',
          title: 'Probability',
          width: '110px',
          numeric: true,
          cell: ({ probability }) => (probability === null ? 'none' : formatProbability(probability)),
        },
        {
          id: 'level',
          title: 'How',
          width: '100px',
          cell: ({ surprisalBits }) => surpriseLevel(surprisalBits)?.label ?? 'not predicted',
        },
        {
          id: 'expected',
          title: 'Expected most',
          width: 'minmax(110px, 1fr)',
          cell: ({ top: [first] }) =>
            first === undefined ? (
              ''
            ) : (
              <span className="truncate">
                <code>{JSON.stringify(first.text)}</code> {formatProbability(first.probability)}
              </span>
            ),
        },
      ]}
    />
  )
}
