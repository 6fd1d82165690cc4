/** Savings: what was really saved here, benchmarks to run, and a calculator for what could be. */
import { Download, Play } from 'lucide-react'
import { useState } from 'react'
import { useSearchParams } from 'react-router'
import { SAVINGS_PARTS } from '#shared/domain/places.ts'
import { DEFAULT_PRICES } from '#shared/domain/prices.ts'
import { Page } from '../../app/Page.tsx'
import { useClient } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { useChangeSettings, useSettings } from '../../stores/useSettings.ts'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { Menu } from '../../ui/Menu.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { Select } from '../../ui/Select.tsx'
import { saveFile } from '../../ui/saveFile.ts'
import { toastDone, toastError } from '../../ui/toasts.tsx'
import { CalculatorView } from './calculator/CalculatorView.tsx'
import { LoopView } from './LoopView.tsx'
import { MeasuredView, type Period } from './MeasuredView.tsx'
import { PricesView } from './PricesView.tsx'
import { ProviderView } from './ProviderView.tsx'
import './savings.css'

type TabId = (typeof SAVINGS_PARTS)[number]['id']

const PERIODS = [
  { id: 'hour', label: 'Hour' },
  { id: 'day', label: 'Day' },
  { id: 'week', label: 'Week' },
  { id: 'month', label: 'Month' },
  { id: 'all', label: 'All' },
] as const satisfies readonly { id: Period; label: string }[]

export function SavingsPage() {
  const client = useClient()
  const settings = useSettings()
  const change = useChangeSettings()
  const [search, setSearch] = useSearchParams()
  const tab = SAVINGS_PARTS.find(known => known.id === search.get('tab'))?.id ?? 'measured'
  const [period, setPeriod] = useState<Period>('all')
  const [resetting, setResetting] = useState(false)
  const list = useRead('savings.prices', {})
  const wanted = settings?.priceId ?? null
  const defaultModel = settings?.defaultModel ?? null
  const prices = list.data?.prices ?? DEFAULT_PRICES.prices
  const price = prices.find(entry => entry.id === wanted) ?? prices[0] ?? null
  const open = (next: TabId) => setSearch({ tab: next }, { replace: true })

  const save = async (format: 'csv' | 'json') => {
    try {
      const { fileName, bytes } = await client.call('savings.export', { format })
      saveFile(fileName, bytes)
      toastDone('Measurements exported', fileName)
    } catch (error) {
      toastError(error)
    }
  }
  const reset = async () => {
    const { removed } = await client.call('savings.reset', {})
    toastDone('Meter reset', `${removed} measurements removed`)
  }

  return (
    <Page
      title="Savings"
      actions={
        <>
          <Menu
            label="Export measurements"
            trigger={<Button icon={<Download aria-hidden />}>Export</Button>}
            items={[
              { id: 'csv', label: 'As CSV', onAction: () => void save('csv') },
              { id: 'json', label: 'As JSON', onAction: () => void save('json') },
              {
                id: 'reset',
                label: 'Reset the meter …',
                danger: true,
                separated: true,
                onAction: () => setResetting(true),
              },
            ]}
          />
          {tab === 'loop' ? null : (
            <Button variant="primary" icon={<Play aria-hidden />} onPress={() => open('loop')}>
              Run benchmark
            </Button>
          )}
        </>
      }
    >
      <div className="Savings-bar">
        <SegmentedControl<TabId> label="Part" value={tab} onChange={open} segments={SAVINGS_PARTS} />
        <span className="grow" />
        {tab === 'measured' || tab === 'loop' ? (
          <div className="Savings-choices">
            <Select
              pill
              label="Price"
              hideLabel
              options={prices.map(entry => ({ id: entry.id, label: entry.label }))}
              value={price?.id ?? null}
              onChange={priceId => change({ priceId }).catch(toastError)}
            />
            {tab === 'measured' ? (
              <SegmentedControl<Period> label="Time" value={period} onChange={setPeriod} segments={PERIODS} />
            ) : null}
          </div>
        ) : null}
      </div>
      {tab === 'measured' ? <MeasuredView period={period} price={price} /> : null}
      {tab === 'loop' ? <LoopView price={price} defaultModel={defaultModel} /> : null}
      {tab === 'calculator' ? <CalculatorView prices={prices} /> : null}
      {tab === 'provider' ? <ProviderView prices={prices} price={price} /> : null}
      {tab === 'prices' && list.data !== undefined ? (
        <PricesView version={list.data.version} prices={list.data.prices} />
      ) : null}
      {resetting ? (
        <ConfirmDialog
          title="Reset the meter?"
          action="Remove all measurements"
          cancel="Keep them"
          danger
          onConfirm={reset}
          onClose={() => setResetting(false)}
        >
          <p>
            All measurements are removed and counting starts at zero. Receipts stay. This cannot be taken back; export
            them first if you may want them.
          </p>
        </ConfirmDialog>
      ) : null}
    </Page>
  )
}
