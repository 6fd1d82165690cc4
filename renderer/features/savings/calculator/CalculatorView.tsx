/** The calculator: every number free, three ways to run the same agents, and how each figure comes about. */
import { Download, Link2, RotateCcw } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { useSearchParams } from 'react-router'
import {
  type CalculatorInputs,
  calculate,
  DEFAULT_CALCULATOR,
  loopSeries,
  withPrice,
} from '#shared/domain/calculator.ts'
import { calculatorFormula } from '#shared/domain/calculatorFormula.ts'
import { calculatorCsv, encodeCalculator, parseCalculator } from '#shared/domain/calculatorLink.ts'
import { DEFAULT_PRICES, type Price } from '#shared/domain/prices.ts'
import { Button } from '../../../ui/Button.tsx'
import { figures, formatCount, formatMoney, formatPercent, formatSaving, formatShort } from '../../../ui/format.ts'
import { Panel } from '../../../ui/Panel.tsx'
import { SegmentedControl } from '../../../ui/SegmentedControl.tsx'
import { Select } from '../../../ui/Select.tsx'
import { Stat } from '../../../ui/Stat.tsx'
import { saveFile } from '../../../ui/saveFile.ts'
import { Table } from '../../../ui/Table.tsx'
import { Term } from '../../../ui/Term.tsx'
import { toastDone, toastError } from '../../../ui/toasts.tsx'
import { VirtualTable } from '../../../ui/VirtualTable.tsx'
import { LineChart } from '../charts/LineChart.tsx'
import { BreakEvenText } from './BreakEvenText.tsx'
import { CalculatorFields } from './CalculatorFields.tsx'
import './calculator.css'

const NAMES = {
  naive: (
    <Term field="Called naive: every step sends the whole context, and all of it is read.">Re-reading everything</Term>
  ),
  caching: 'Provider caching',
  state: 'State packs',
} as const

/** The inputs as a link of this window's address; opening it shows the same figures. */
function linkOf(inputs: CalculatorInputs): string {
  const query = encodeCalculator(inputs)
  return `${location.origin}${location.pathname}#/savings?tab=calculator${query === '' ? '' : `&${query}`}`
}

export function CalculatorView({ prices }: { readonly prices: readonly Price[] }) {
  const [search, setSearch] = useSearchParams()
  const [start] = useState(() => {
    const query = new URLSearchParams(search)
    query.delete('tab')
    return parseCalculator(query.toString())
  })
  const [inputs, setInputs] = useState(start.inputs)
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const result = useMemo(() => calculate(inputs), [inputs])
  const change = (part: Partial<CalculatorInputs>) => setInputs(before => ({ ...before, ...part }))

  // The address follows, unhurried: browsers refuse hundreds of changes a minute.
  useEffect(() => {
    const timer = setTimeout(
      () => setSearch(`tab=calculator&${encodeCalculator(inputs)}`.replace(/&$/, ''), { replace: true }),
      400,
    )
    return () => clearTimeout(timer)
  }, [inputs, setSearch])

  const known = prices.length > 0 ? prices : DEFAULT_PRICES.prices
  const priced = known.find(price => {
    const { inputPrice, outputPrice, cachedInputPrice, cacheWritePrice } = withPrice(inputs, price)
    return (
      inputs.inputPrice === inputPrice &&
      inputs.outputPrice === outputPrice &&
      inputs.cachedInputPrice === cachedInputPrice &&
      inputs.cacheWritePrice === cacheWritePrice
    )
  })
  const copy = () => {
    navigator.clipboard.writeText(linkOf(inputs)).then(() => toastDone('Link copied'), toastError)
  }
  const lines = [result.naive, result.caching, result.state].filter(line => line !== null)
  const dearest = Math.max(...lines.map(line => line.perDay), Number.MIN_VALUE)
  const points = useMemo(() => loopSeries(inputs), [inputs])

  return (
    <>
      <Panel
        title="Calculator"
        note="Every number is yours to change"
        actions={
          <>
            <Button
              size="s"
              variant="quiet"
              icon={<RotateCcw aria-hidden />}
              onPress={() => setInputs(DEFAULT_CALCULATOR)}
            >
              Defaults
            </Button>
            <Button size="s" icon={<Link2 aria-hidden />} onPress={copy}>
              Copy link
            </Button>
            <Button
              size="s"
              icon={<Download aria-hidden />}
              onPress={() => saveFile('statepack-calculator.csv', calculatorCsv(inputs), 'text/csv')}
            >
              CSV
            </Button>
          </>
        }
      >
        {start.ignored.length === 0 ? null : (
          <p className="Calculator-note" data-tone="warn">
            The link held something this calculator does not know, which was left out: {start.ignored.join(', ')}.
          </p>
        )}
        <div className="Calculator-model">
          <Select
            label="Prices of"
            placeholder="Your own prices"
            options={known.map(price => ({
              id: price.id,
              label: price.label,
              description: `${formatMoney(price.input)} per million input tokens`,
            }))}
            value={priced?.id ?? null}
            onChange={id => {
              const price = known.find(candidate => candidate.id === id)
              if (price !== undefined) setInputs(before => withPrice(before, price))
            }}
            hint={priced === undefined ? 'Edited below' : `${priced.source}, ${priced.date}`}
          />
        </div>
        <CalculatorFields inputs={inputs} onChange={change} />
        <ul className="Compare" aria-label="Cost of a day">
          {lines.map(line => (
            <li key={line.id} className="Compare-line" data-line={line.id}>
              <span>{NAMES[line.id]}</span>
              <i style={{ width: `${Math.max(0.4, (line.perDay / dearest) * 100)}%` }} aria-hidden />
              <b>{formatMoney(line.perDay)} a day</b>
            </li>
          ))}
        </ul>
        {result.warnings.map(warning => (
          <p key={warning} className="Calculator-note" data-tone="warn">
            {warning}
          </p>
        ))}
      </Panel>
      <div className="Stats" aria-live="polite">
        <Stat
          label="Re-reading everything"
          value={formatCount(result.naive.tokens.input)}
          note={`tokens per loop, ${formatMoney(result.naive.perDay)} a day`}
        />
        <Stat
          label="State packs"
          value={formatCount(result.state.tokens.input)}
          note={`tokens per loop, ${formatMoney(result.state.perDay)} a day`}
        />
        <Stat
          label="Tokens not read"
          value={formatSaving(result.savedTokensPercent, formatPercent)}
          note={`${formatSaving(result.naive.tokens.input - result.state.tokens.input, formatCount)} per loop`}
          tone={result.savedTokensPercent > 0 ? 'ok' : 'warn'}
        />
        <Stat
          label="Saved a day"
          value={formatSaving(result.savedPerDay, formatMoney)}
          note={result.savedPerDay < 0 ? 'state packs cost more here' : 'against re-reading everything'}
          tone={result.savedPerDay < 0 ? 'warn' : 'ok'}
        />
      </div>
      <Panel
        title="One loop"
        note="cumulative input tokens"
        actions={
          <SegmentedControl
            label="View"
            value={view}
            onChange={setView}
            segments={[
              { id: 'chart', label: 'Chart' },
              { id: 'table', label: 'Table' },
            ]}
          />
        }
      >
        {view === 'chart' ? (
          <LineChart
            label={`Cumulative tokens of one loop: re-reading everything ${formatCount(result.naive.tokens.input)}, state packs ${formatCount(result.state.tokens.input)}`}
            rows={points}
            x={point => point.step}
            formatX={formatCount}
            formatY={formatShort}
            formatValue={formatCount}
            series={[
              { id: 'naive', label: 're-reading everything', of: point => point.naive, tone: 'other' },
              { id: 'state', label: 'state packs', of: point => point.state, tone: 'main' },
            ]}
          />
        ) : (
          <VirtualTable
            caption="Cumulative tokens of one loop"
            maxHeight={280}
            rows={points}
            rowKey={point => String(point.step)}
            columns={[
              { id: 'step', title: 'Step', width: '80px', numeric: true, cell: point => point.step },
              {
                id: 'naive',
                title: 'Re-reading everything',
                width: '1fr',
                numeric: true,
                cell: point => formatCount(point.naive),
              },
              {
                id: 'state',
                title: 'State packs',
                width: '1fr',
                numeric: true,
                cell: point => formatCount(point.state),
              },
            ]}
          />
        )}
        <BreakEvenText result={result} />
      </Panel>
      <Panel title="How it is computed">
        <Table
          caption="Formula"
          rows={calculatorFormula(inputs, figures)}
          rowKey={line => line.name}
          columns={[
            { id: 'name', title: 'Figure', cell: line => line.name },
            { id: 'rule', title: 'Rule', cell: line => line.rule },
            {
              id: 'numbers',
              title: 'With your numbers',
              cell: line => <span className="Calculator-numbers">{line.numbers}</span>,
            },
          ]}
        />
      </Panel>
    </>
  )
}
