import { Pin, PinOff } from 'lucide-react'
import { useNavigate } from 'react-router'
import { allows } from '#shared/domain/trust.ts'
import { useVerbs, VERBS, type Verb, type VerbId } from '../../app/cartridgeVerbs.ts'
import { useStudio } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { useSettings } from '../../stores/useSettings.ts'
import { Button } from '../../ui/Button.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { dotted } from '../../ui/dotted.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { type Fact, Facts } from '../../ui/Facts.tsx'
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatMoney,
  formatRead,
  formatSaving,
  formatSeconds,
  formatTokens,
  shortDigest,
} from '../../ui/format.ts'
import { Menu, type MenuAction } from '../../ui/Menu.tsx'
import { textName } from '../../ui/operationWords.ts'
import { recallFacts } from '../../ui/recall.ts'
import { TrustBadges } from '../../ui/TrustBadges.tsx'
import { CardText } from './CardText.tsx'
import { ChipEditor } from './ChipEditor.tsx'
import { TrustNotice } from './TrustNotice.tsx'
import { useLibraryActions } from './useLibraryActions.ts'

/** Dollars. */
const LEAST_MONEY = 1e-4

/** Everything about one cartridge that is not inside its state, and what can be done with it. */
export function DetailsPane({ packetId }: { readonly packetId: string }) {
  const navigate = useNavigate()
  const { library } = useStudio()
  const actions = useLibraryActions()
  const { data, error, refetch } = useRead('library.get', { ref: packetId })
  const prices = useRead('savings.prices', {}).data?.prices
  const priceId = useSettings()?.priceId
  const verb = useVerbs()

  if (data === undefined) {
    return (
      <aside className="Details" aria-label="Cartridge" aria-busy={error === null}>
        {error === null ? null : (
          <ErrorPanel error={error} action={{ label: 'Try again', onPress: () => void refetch() }} />
        )}
      </aside>
    )
  }
  const { summary, usage } = data
  const otherNames = data.names.slice(1)
  const siblings = data.collection?.packetIds ?? []
  const address = encodeURIComponent(packetId)
  const price = prices?.find(entry => entry.id === priceId)
  const money = price === undefined ? 0 : (usage.tokensSaved * price.input) / 1e6
  const saved = dotted(
    // Less than a hundredth of a cent is nothing that anybody would have paid.
    Math.abs(money) >= LEAST_MONEY && formatSaving(money, formatMoney),
    `${formatSaving(usage.secondsSaved, formatSeconds)}${usage.secondsSaved === 0 ? '' : ' of time'}`,
  )

  const act = (id: VerbId) => verb(id, [packetId])
  const inMenu = (id: VerbId, more: Partial<MenuAction> = {}): MenuAction => {
    const { label, icon: Icon, keys, danger }: Verb = VERBS[id]
    return { id, label, icon: <Icon aria-hidden />, shortcut: keys, danger, onAction: () => act(id), ...more }
  }

  const facts: readonly Fact[] = [
    { label: 'Read once', value: formatRead(summary.tokens, 'tokens') },
    { label: 'Size', value: dotted(formatBytes(summary.bytes), summary.dtype) },
    { label: 'Model', value: summary.model.name },
    ...(data.collection === null
      ? []
      : [
          {
            label: 'Part of',
            value: (
              <button type="button" className="link" onClick={() => library.getState().select(siblings)}>
                {data.collection.name}
              </button>
            ),
          },
        ]),
    ...recallFacts(summary),
    {
      label: 'Reused',
      value: usage.asks === 0 ? 'never yet' : usage.asks === 1 ? 'once' : formatCounted(usage.asks, 'time'),
    },
    { label: 'Not re-read', value: formatSaving(usage.tokensSaved, saved => formatTokens(saved, 'tokens')) },
    ...(usage.asks === 0 ? [] : [{ label: 'Saved', value: <b>{saved}</b> }]),
    {
      label: 'Packet',
      value: (
        <span className="row">
          <span className="mono">{shortDigest(packetId)}</span>
          <CopyButton text={packetId} label="Copy the digest" />
        </span>
      ),
    },
    ...(data.parents.length === 0
      ? []
      : [
          {
            label: 'From',
            value: (
              <button type="button" className="link" onClick={() => navigate(`/remix/${address}?do=lineage`)}>
                {formatCounted(data.parents.length, 'parent')}, lineage
              </button>
            ),
          },
        ]),
    {
      label: 'Receipts',
      value: (
        <button type="button" className="link" onClick={() => navigate(`/receipts?packet=${address}`)}>
          {formatCount(data.receipts)}
        </button>
      ),
    },
  ]

  return (
    <aside className="Details" aria-label="Cartridge">
      <div className="Details-face">
        <CartridgeFace digest={packetId} kind={summary.kind} name={summary.name} width={300} height={130} />
      </div>
      <div className="Details-title">
        <h2>{summary.name}</h2>
        <Menu
          label="More"
          items={[
            inMenu('rename'),
            {
              id: 'pin',
              label: summary.pinned ? 'Unpin' : 'Pin',
              icon: summary.pinned ? <PinOff aria-hidden /> : <Pin aria-hidden />,
              onAction: () => void actions.update({ packetId: summary.packetId, pinned: !summary.pinned }),
            },
            inMenu('verify', { disabled: !summary.model.installed }),
            inMenu('export'),
            inMenu('delete', { separated: true }),
          ]}
        />
      </div>
      {data.card === '' ? null : <CardText text={data.card} name={summary.name} />}
      <div className="row wrap">
        <TrustBadges cartridge={summary} />
      </div>
      {summary.trust === 'restricted' ? (
        <TrustNotice
          canCheck={summary.model.installed}
          signedBy={data.signedBy}
          onTrust={() => void actions.trust(packetId)}
          onCheck={() => act('verify')}
        />
      ) : null}
      <div className="stack stack--tight">
        <Button
          variant="primary"
          wide
          isDisabled={!allows(summary.trust, 'run') || !summary.model.installed}
          onPress={() => act('ask')}
        >
          Ask this cartridge
        </Button>
        <div className="two">
          <Button onPress={() => act('inspect')}>{VERBS.inspect.label}</Button>
          <Button onPress={() => act('remix')}>{VERBS.remix.label}</Button>
        </div>
      </div>
      <Facts caption={`Facts about ${summary.name}`} facts={facts} />
      <ChipEditor
        label="Tags"
        addLabel="Add a tag"
        chips={summary.tags}
        maxLength={60}
        addsAt={['Enter', ',']}
        onChange={tags => void actions.update({ packetId: summary.packetId, tags: [...tags] })}
      />
      {otherNames.length === 0 ? null : (
        <>
          <h3 className="small muted">Also called</h3>
          <ChipEditor
            label="Other names"
            addLabel="Add a name"
            chips={otherNames}
            maxLength={200}
            addsAt={['Enter']}
            onChange={names => void actions.update({ packetId: summary.packetId, otherNames: [...names] })}
          />
        </>
      )}
      {data.sources.length === 0 ? null : (
        <details className="Details-sources">
          <summary>
            {data.sources.length === 1 ? 'Its source text' : `Its ${formatCounted(data.sources.length, 'source text')}`}
          </summary>
          {data.sources.map(source => (
            <div key={source.digest}>
              <span className="small muted">{dotted(textName(source.name), formatBytes(source.bytes))}</span>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it */}
              <pre tabIndex={0}>{source.text.slice(0, 20_000)}</pre>
            </div>
          ))}
        </details>
      )}
    </aside>
  )
}
