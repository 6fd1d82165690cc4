/** Memory: which tier holds what and why, how full each may be, and what the models themselves take. */
import { Link } from 'react-router'
import type { Input, Output } from '#shared/rpc/client.ts'
import type { MemoryTierView } from '#shared/rpc/methods/memory.ts'
import { Page } from '../../app/Page.tsx'
import { useClient } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { useChangeSettings, useSettings } from '../../stores/useSettings.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatBytes, formatCount, formatCounted, formatPercent } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { toastDone, toastError } from '../../ui/toasts.tsx'
import { CartridgeSelect } from '../inspect/CartridgeSelect.tsx'
import { Holdings } from './Holdings.tsx'
import { Moves } from './Moves.tsx'
import { Runtimes } from './Runtimes.tsx'
import { type Segment, StackBar } from './StackBar.tsx'
import { TierPanel } from './TierPanel.tsx'
import './memory.css'

type Status = Output<'memory.status'>
type Pin = Input<'memory.pin'>
type TierName = MemoryTierView['tier']

export function MemoryPage() {
  const read = useRead('memory.status', {})
  return (
    <Page title="Memory">
      {read.error === null ? null : (
        <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: () => void read.refetch() }} />
      )}
      {read.data === undefined ? (
        <p className="muted" role="status">
          Reading what is in memory …
        </p>
      ) : (
        <Tiers status={read.data} />
      )}
    </Page>
  )
}

function Tiers({ status }: { readonly status: Status }) {
  const client = useClient()
  const change = useChangeSettings()
  const budgets = useSettings()?.memory
  const { tiers, stored, layers, models, moves, machineBytes, diskBytes } = status
  const asked = layers.hits + layers.misses
  const pin = (packetId: string, pinned: boolean) =>
    // The id came from the engine; it parses what it is given once more.
    client.call('memory.pin', { packetId, pinned } as Pin).catch(toastError)
  const purge = (tier: TierName) =>
    client
      .call('memory.purge', { tier })
      .then(({ freed }) => toastDone(`${formatBytes(freed)} freed`, 'What is in use or pinned stayed.'), toastError)
  const setBudget = (tier: TierName, bytes: number | null) => change({ memory: { [tier]: bytes } }).catch(toastError)
  return (
    <>
      <Whole status={status} />
      <div className="Memory-tiers">
        {tiers.map(view => (
          <TierPanel
            key={view.tier}
            view={view}
            mostBytes={view.tier === 'cold' ? diskBytes : machineBytes}
            onBudget={bytes => void setBudget(view.tier, bytes)}
            onPurge={() => void purge(view.tier)}
          >
            {view.tier === 'cold' ? (
              <p className="small muted Memory-note">
                {formatCounted(stored, 'state is', 'states are')} stored: cartridges, and what questions led to. What
                several share is on disk once, so together they take less than the sum of their sizes. What is in the{' '}
                <Link className="link" to="/library">
                  library
                </Link>
                , was asked or is kept in memory is never given up by itself.{' '}
                {budgets?.cold === null ? (
                  'The budget follows the disk: what there was, and a quarter of what was free.'
                ) : (
                  <Button size="s" variant="quiet" onPress={() => void setBudget('cold', null)}>
                    Let the budget follow the disk
                  </Button>
                )}
              </p>
            ) : null}
          </TierPanel>
        ))}
      </div>
      <Panel
        title="What lives where"
        note={
          asked === 0
            ? 'nothing was asked for yet'
            : `${formatPercent((layers.hits / asked) * 100)} of ${formatCount(asked)} reads were served from memory`
        }
        actions={
          <div className="Memory-add">
            <CartridgeSelect
              label="Keep a cartridge in memory"
              hideLabel
              placeholder="Keep in memory …"
              onChange={({ packetId }) => void pin(packetId, true)}
            />
          </div>
        }
      >
        {tiers.every(({ holdings }) => holdings.length === 0) ? (
          <p className="muted">No state is in memory. Asking a cartridge brings it here.</p>
        ) : (
          <Holdings tiers={tiers} onPin={(packetId, pinned) => void pin(packetId, pinned)} />
        )}
      </Panel>
      <Panel title="Models in memory">
        {models.length === 0 ? (
          <p className="muted">No model is loaded. The next question loads one.</p>
        ) : (
          <Runtimes models={models} />
        )}
      </Panel>
      <Panel title="Moves" note={moves.length === 0 ? undefined : 'newest first'}>
        {moves.length === 0 ? <p className="muted">Nothing has moved yet.</p> : <Moves moves={moves} />}
      </Panel>
    </>
  )
}

/** The whole process: weights, the tiers, and what remains. */
function Whole({ status: { models, tiers, rssBytes, machineBytes } }: { readonly status: Status }) {
  const states: Segment[] = tiers.flatMap(({ tier, bytes }) =>
    tier === 'cold' ? [] : [{ label: `${tier} states`, bytes, tone: tier }],
  )
  const weights = models.reduce((sum, { weightsBytes }) => sum + weightsBytes, 0)
  const known = states.reduce((sum, { bytes }) => sum + bytes, weights)
  return (
    <Panel
      title="In memory now"
      note={`${formatBytes(rssBytes)} in the engine process, of ${formatBytes(machineBytes)} in this machine`}
    >
      <StackBar
        label="What takes memory"
        segments={[
          { label: 'Model weights', bytes: weights, tone: 'weights' },
          ...states.map(segment => ({ ...segment, label: segment.label.replace(/^./, first => first.toUpperCase()) })),
          { label: 'The engine itself', bytes: Math.max(0, rssBytes - known), tone: 'rest' },
        ]}
      />
    </Panel>
  )
}
