import { Label, Radio, RadioGroup } from 'react-aria-components'
import { STARTER_RECALLS_TOKENS } from '#shared/domain/ability.ts'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import { formatCount, formatCounted } from '../../ui/format.ts'
import { NumberField } from '../../ui/NumberField.tsx'
import type { Estimate } from './useEstimate.ts'

export type TooLongChoice =
  | { readonly how: 'split' }
  | { readonly how: 'first'; readonly tokens: number }
  | { readonly how: 'recurrent' }

/** Models whose state does not grow with the text. */
export function tooLongModels(models: readonly ModelView[]): readonly ModelView[] {
  return models.filter(model => model.contextLength === null)
}

/** Said before what was measured on a sample. */
export function about({ approximate }: Pick<Estimate, 'approximate'>): string {
  return approximate ? 'about ' : ''
}

export function partsText(estimate: Pick<Estimate, 'parts' | 'approximate'>): string {
  return `${about(estimate)}${formatCounted(estimate.parts, 'cartridge')}`
}

export interface TooLongProps {
  readonly estimate: Estimate
  readonly model: ModelView
  readonly models: readonly ModelView[]
  readonly value: TooLongChoice
  readonly onChange: (value: TooLongChoice) => void
}

/** The text does not fit into the model: three ways out; longer than any cartridge may be, one. */
export function TooLong({ estimate, model, models, value, onChange }: TooLongProps) {
  const limit = estimate.mostTokens ?? estimate.tokens
  const room = (estimate.contextLength ?? limit) - limit
  const recurrent = tooLongModels(models)[0]
  return (
    <RadioGroup
      className="TooLong"
      value={value.how}
      onChange={how => {
        if (how === 'split') onChange({ how: 'split' })
        if (how === 'first') onChange({ how: 'first', tokens: limit })
        if (how === 'recurrent') onChange({ how: 'recurrent' })
      }}
    >
      <Label className="TooLong-title">Too long for {estimate.readsAtOnce ? model.name : 'one cartridge'}</Label>
      {estimate.contextLength === null ? null : (
        <p className="small muted">
          {estimate.readsAtOnce ? 'It' : model.name} holds {formatCounted(estimate.contextLength, 'token')};{' '}
          {formatCount(room)} are kept for a question and an answer.
        </p>
      )}
      <Radio value="split" className="TooLong-option">
        <b>Split into {partsText(estimate)}</b>
        <span>Cut at paragraphs; each answers from its own part.</span>
      </Radio>
      {estimate.readsAtOnce ? (
        <Radio value="first" className="TooLong-option">
          <b>Keep the beginning</b>
          <span>
            The first {formatCounted(value.how === 'first' ? value.tokens : limit, 'token')};{' '}
            {formatCount(room + limit - (value.how === 'first' ? value.tokens : limit))} stay free for a question and an
            answer.
          </span>
        </Radio>
      ) : null}
      {recurrent === undefined || !estimate.readsAtOnce ? null : (
        <Radio value="recurrent" className="TooLong-option">
          <b>Use {recurrent.name}</b>
          <span>
            {recurrent.ability === 'facts'
              ? `Recurrent: takes any length, and recalls about ${STARTER_RECALLS_TOKENS} tokens of it. For this text, split it or get a larger model.`
              : 'Recurrent: takes any length, the cartridge stays small. What it recalls is checked after reading.'}
          </span>
        </Radio>
      )}
      {value.how === 'first' ? (
        <NumberField
          label="Tokens to keep"
          integer
          min={1}
          max={limit}
          value={value.tokens}
          onChange={tokens => onChange({ how: 'first', tokens })}
        />
      ) : null}
    </RadioGroup>
  )
}
