import type { ModelView } from '#shared/rpc/methods/views.ts'
import { ABILITY_WORDS } from '../../ui/abilityText.ts'
import { Badge, type Tone } from '../../ui/Badge.tsx'
import { KIND_LABEL } from '../../ui/CartridgeCard.tsx'
import { dotted } from '../../ui/dotted.ts'
import { Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatCounted, formatRate, formatShort } from '../../ui/format.ts'
import { Menu } from '../../ui/Menu.tsx'
import { stateSize } from './stateSize.ts'

const STATUS = {
  ready: null,
  offline: ['warn', 'Offline'],
  broken: ['bad', 'Cannot be used'],
} as const satisfies Record<ModelView['status'], readonly [Tone, string] | null>

interface ModelCardProps {
  readonly model: ModelView
  readonly isDefault: boolean
  /** One of several in a folder: it leaves the list with that folder. */
  readonly inAFolder: boolean
  readonly onDefault: () => void
  readonly onPrecision: () => void
  readonly onRemove: () => void
}

/** One installed model with what is known and what was measured. */
export function ModelCard({ model, isDefault, inAFolder, onDefault, onPrecision, onRemove }: ModelCardProps) {
  const status = STATUS[model.status]
  return (
    <article className="Model" data-status={model.status}>
      <header className="row">
        <div className="grow">
          <h2 className="truncate">{model.name}</h2>
          <p className="small muted truncate">
            {dotted(model.architecture, `${formatShort(model.parameters)} parameters`)}
          </p>
        </div>
        <Menu
          label={`Actions for ${model.name}`}
          items={[
            {
              id: 'default',
              label: 'Use for new cartridges',
              disabled: isDefault || model.status !== 'ready',
              onAction: onDefault,
            },
            {
              id: 'precision',
              label: 'Change its precision …',
              disabled: model.status !== 'ready',
              onAction: onPrecision,
            },
            { id: 'copy', label: 'Copy its path', onAction: () => void navigator.clipboard.writeText(model.folder) },
            {
              id: 'remove',
              label: model.starter ? 'Starter models stay' : inAFolder ? 'Stays as long as its folder' : 'Remove …',
              danger: true,
              separated: true,
              disabled: model.starter || inAFolder,
              onAction: onRemove,
            },
          ]}
        />
      </header>
      <div className="row wrap">
        <Badge tone={model.kind}>{KIND_LABEL[model.kind]}</Badge>
        {status === null ? null : <Badge tone={status[0]}>{status[1]}</Badge>}
        {model.memory?.problem == null ? null : <Badge tone="warn">Does not fit now</Badge>}
        {isDefault ? <Badge tone="accent">Default</Badge> : null}
        {model.starter ? <Badge>Starter</Badge> : null}
      </div>
      {model.problem === null ? null : <p className="Model-problem">{model.problem}</p>}
      {model.memory === null || model.memory.problem === null ? null : (
        <p className="Model-problem">{model.memory.problem}</p>
      )}
      {model.precisionReason === null ? null : (
        <p className="muted">
          Runs in {model.precision}. {model.precisionReason}
        </p>
      )}
      {model.notes.map(note => (
        <p key={note} className="muted">
          {note}
        </p>
      ))}
      <Facts
        caption={model.name}
        facts={[
          { label: 'Can do', value: ABILITY_WORDS[model.ability] },
          {
            label: 'Reads',
            value:
              model.prefillTokensPerSecond === null
                ? 'not measured yet'
                : `${formatRate(model.prefillTokensPerSecond)}, measured`,
          },
          { label: 'State', value: stateSize(model) },
          {
            label: 'Context',
            value: model.contextLength === null ? 'no limit' : formatCounted(model.contextLength, 'token'),
          },
          { label: 'Weights', value: formatBytes(model.weightsBytes) },
          ...(model.memory === null
            ? []
            : [
                {
                  label: 'Memory',
                  value: `about ${formatBytes(model.memory.needed)}; ${formatBytes(model.memory.free)} free now`,
                },
              ]),
          {
            label: 'Precision',
            value:
              model.status === 'ready' ? (
                <button
                  type="button"
                  className="link"
                  aria-label={`Precision of ${model.name}: ${model.precision}, change`}
                  onClick={onPrecision}
                >
                  {model.precision}
                </button>
              ) : (
                'unknown'
              ),
          },
          ...(model.quantised === null
            ? []
            : [{ label: 'Stored as', value: `GGUF ${model.quantised}; run with these numbers, none rounded` }]),
          { label: 'Chat template', value: model.hasChatTemplate ? 'yes' : 'no' },
        ]}
      />
    </article>
  )
}
