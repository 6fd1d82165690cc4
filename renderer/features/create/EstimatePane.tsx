import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import { abilityText } from '../../ui/abilityText.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatCount, formatCounted, formatSeconds, formatTokens } from '../../ui/format.ts'
import { Select } from '../../ui/Select.tsx'
import { Switch } from '../../ui/Switch.tsx'
import { TextArea } from '../../ui/TextArea.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { about, partsText, TooLong, type TooLongChoice } from './TooLong.tsx'
import type { Estimate } from './useEstimate.ts'

const DTYPES = [
  { id: 'float32', label: 'float32', description: 'Exact, the largest' },
  { id: 'float16', label: 'float16', description: 'Half the size' },
  { id: 'int8', label: 'int8', description: 'A quarter; the loss is measured and shown' },
  { id: 'float8_e4m3', label: 'float8', description: 'A quarter; the loss is measured and shown' },
] as const satisfies readonly { id: StateDtype; label: string; description: string }[]

export interface EstimatePaneProps {
  readonly models: readonly ModelView[]
  readonly model: ModelView | undefined
  readonly onModel: (id: string) => void
  readonly dtype: StateDtype
  readonly onDtype: (dtype: StateDtype) => void
  readonly name: string
  readonly onName: (name: string) => void
  /** What it is called when no name is given. */
  readonly suggestedName: string | undefined
  /** Several cartridges are named after their files. */
  readonly nameFromFiles: boolean
  readonly systemPrompt: string
  readonly onSystemPrompt: (text: string) => void
  readonly template: boolean
  readonly onTemplate: (on: boolean) => void
  readonly estimate: Estimate | null
  readonly error: unknown
  readonly extracting: boolean
  /** Texts that are opened only when their turn comes, and bytes of those files; null where all are open. */
  readonly unopened: { readonly texts: number; readonly bytes: number } | null
  /** Whether what each recalls is checked after reading. */
  readonly check: boolean
  readonly onCheck: (check: boolean) => void
  /** How many of how many jobs have been handed over; null while none are. */
  readonly starting: { readonly done: number; readonly of: number } | null
  /** How many cartridges, when each text becomes its own. */
  readonly separate: number | null
  readonly tooLong: TooLongChoice
  readonly onTooLong: (choice: TooLongChoice) => void
  readonly onStart: () => void
}

/** How it shall be read, what that will take, and the button that begins. */
export function EstimatePane(props: EstimatePaneProps) {
  const { models, model, estimate, separate, unopened, starting } = props
  const most = estimate?.mostTokens ?? estimate?.contextLength ?? 0
  const isTooLong = estimate !== null && !estimate.fits && separate === null
  return (
    <aside className="Details Create-pane" aria-label="How to read it">
      <Select
        label="Model"
        options={models.map(entry => ({
          id: entry.id,
          label: entry.name,
          description: abilityText(entry),
        }))}
        value={model?.id ?? null}
        onChange={props.onModel}
        hint={
          model === undefined
            ? 'No model is ready. Add one under Models.'
            : model.kind === 'ssm'
              ? 'Recurrent: the cartridge has the same size however long the text is.'
              : 'Its state grows with every token.'
        }
      />
      <Select label="Precision of the stored state" options={DTYPES} value={props.dtype} onChange={props.onDtype} />
      {props.nameFromFiles ? null : (
        <TextField
          label="Name"
          value={props.name}
          onChange={props.onName}
          placeholder={props.suggestedName ?? 'Taken from the text'}
          maxLength={200}
        />
      )}
      <details className="Create-more">
        <summary>System prompt and chat template</summary>
        <div className="stack">
          <TextArea
            label="System prompt"
            value={props.systemPrompt}
            onChange={props.onSystemPrompt}
            rows={3}
            placeholder="Read before the text, and recorded as such"
          />
          {model?.hasChatTemplate === true ? (
            <Switch isSelected={props.template} onChange={props.onTemplate}>
              Wrap the text in the model's chat template
            </Switch>
          ) : null}
        </div>
      </details>
      {props.error !== null ? <ErrorPanel error={props.error} /> : null}
      <div className="Create-estimate" aria-live="polite">
        {unopened !== null ? (
          <>
            <p className="Create-tokens">
              <b>{formatCount(unopened.texts)}</b> texts, {formatBytes(unopened.bytes)}
            </p>
            <p className="muted small">
              Each is opened when its turn comes; one that is too long becomes several cartridges. What cannot be read
              is kept in the list of jobs, with the reason.
            </p>
          </>
        ) : estimate === null ? (
          <p className="muted small">
            {props.extracting ? 'Extracting the text.' : 'Add some text, and what reading it takes appears here.'}
          </p>
        ) : (
          <>
            <p className="Create-tokens">
              {about(estimate)}
              <b>{(estimate.approximate ? formatTokens : formatCount)(estimate.tokens)}</b> tokens
              {separate === null ? '' : ` in ${separate} texts`}
            </p>
            {estimate.contextLength === null || separate !== null || estimate.approximate ? null : (
              <Fill tokens={estimate.tokens} limit={most} room={estimate.contextLength - most} />
            )}
            <Facts
              caption="Estimate"
              facts={[
                // Of a text that is cut, as much is kept as is asked for.
                ...(isTooLong && props.tooLong.how === 'first'
                  ? []
                  : [
                      {
                        label: 'Size, about',
                        value: `${formatBytes(estimate.bytes)}, ${formatBytes(estimate.bytes / Math.max(1, estimate.tokens))} a token`,
                      },
                    ]),
                {
                  label: 'Reading, about',
                  value:
                    estimate.estimatedSeconds === null ? 'not measured yet' : formatSeconds(estimate.estimatedSeconds),
                },
                ...(estimate.controlTokensInText === 0
                  ? []
                  : [
                      {
                        label: 'Control tokens in the text',
                        value: `${about(estimate)}${formatCount(estimate.controlTokensInText)}`,
                      },
                    ]),
              ]}
            />
            {separate === null ? null : <Split estimate={estimate} />}
            {estimate.notes.map(note => (
              <p key={note} className="muted small">
                {note}
              </p>
            ))}
          </>
        )}
      </div>
      {isTooLong && model !== undefined ? (
        <TooLong estimate={estimate} model={model} models={models} value={props.tooLong} onChange={props.onTooLong} />
      ) : null}
      <Switch isSelected={props.check} onChange={props.onCheck}>
        Check what {separate === null ? 'it recalls' : 'each recalls'}
      </Switch>
      <div className="Create-start">
        <Button
          variant="primary"
          wide
          isDisabled={
            (estimate === null && unopened === null) ||
            model === undefined ||
            starting !== null ||
            (isTooLong && props.tooLong.how === 'recurrent')
          }
          onPress={props.onStart}
        >
          {starting !== null
            ? `Handing over ${formatCount(starting.done)} of ${formatCount(starting.of)}`
            : separate !== null
              ? `Read ${separate} texts${estimate === null || estimate.tooLong.length === 0 ? '' : ` into ${partsText(estimate)}`}`
              : isTooLong && props.tooLong.how === 'split'
                ? `Read into ${partsText(estimate)}`
                : 'Read it'}
        </Button>
      </div>
    </aside>
  )
}

/** Names are many where texts are. */
const MOST_NAMED = 3

/** Which of several texts become more than a cartridge each. */
function Split({ estimate: { tooLong } }: { readonly estimate: Estimate }) {
  if (tooLong.length === 0) return null
  const more = tooLong.length - MOST_NAMED
  return (
    <div className="Create-split">
      <b>Too long for one cartridge</b>
      <ul>
        {tooLong.slice(0, MOST_NAMED).map(({ name, ...parts }, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two files may have one name
          <li key={i}>
            <span className="two-lines">{name}</span> becomes {partsText(parts)}
          </li>
        ))}
      </ul>
      {more > 0 ? <span>and {formatCounted(more, 'more', 'more')}</span> : null}
    </div>
  )
}

function Fill({ tokens, limit, room }: { readonly tokens: number; readonly limit: number; readonly room: number }) {
  const over = tokens > limit
  return (
    <div className="Create-fill">
      <span className="Progress-track" aria-hidden>
        <span
          className={`Progress-fill${over ? ' Create-fill--over' : ''}`}
          style={{ width: `${Math.min(100, (tokens / limit) * 100)}%` }}
        />
      </span>
      <span className="small muted">
        {over ? `${formatCount(tokens - limit)} over` : `${formatCount(limit - tokens)} left of`} {formatCount(limit)}
        {room === 0 ? '' : `, ${formatCount(room)} kept for questions`}
      </span>
    </div>
  )
}
