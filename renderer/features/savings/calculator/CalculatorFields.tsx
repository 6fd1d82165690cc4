import type { ReactNode } from 'react'
import type { CalculatorInputs } from '#shared/domain/calculator.ts'
import { formatCounted, formatMoney } from '../../../ui/format.ts'
import { Switch } from '../../../ui/Switch.tsx'
import { NumberInput } from '../NumberInput.tsx'

type NumberKey = {
  [K in keyof CalculatorInputs]: CalculatorInputs[K] extends number ? K : never
}[keyof CalculatorInputs]

interface FieldsProps {
  readonly inputs: CalculatorInputs
  readonly onChange: (part: Partial<CalculatorInputs>) => void
}

/** Label, bounds (those of the calculator's schema) and how far the slider goes. */
const FIELDS = {
  agents: { label: 'Agents', min: 0, max: 1e7, integer: true, slideTo: 100_000 },
  steps: { label: 'Steps per loop', min: 1, max: 10_000, integer: true, slideTo: 500 },
  baseTokens: { label: 'Base tokens', min: 0, max: 1e7, integer: true, slideTo: 200_000 },
  deltaTokens: { label: 'New tokens per step', min: 0, max: 1e6, integer: true, slideTo: 5000 },
  loopsPerDay: { label: 'Loops per day', min: 0, max: 1e7, integer: true, slideTo: 10_000 },
  inputPrice: { label: 'Price per M input ($)', min: 0, max: 1e9, slideTo: 20 },
  outputTokens: { label: 'Output tokens per step', min: 0, max: 1e6, integer: true, slideTo: 5000 },
  outputPrice: { label: 'Price per M output ($)', min: 0, max: 1e9, slideTo: 100 },
  cacheLifetimeSeconds: { label: 'Cache lifetime (s)', min: 0, max: 1e9, slideTo: 3600 },
  secondsBetweenSteps: { label: 'Seconds between steps', min: 0, max: 1e9, slideTo: 600 },
  cacheMinimumTokens: { label: 'Shortest prompt it caches', min: 0, max: 1e6, integer: true, slideTo: 8192 },
  agentsPerBase: { label: 'Agents sharing one base', min: 1, max: 1e7, integer: true, slideTo: 10_000 },
  storedStates: { label: 'States kept', min: 0, max: 1e9, integer: true, slideTo: 100_000 },
  stateBytesPerToken: { label: 'State bytes per token', min: 0, max: 1e9, integer: true, slideTo: 1_000_000 },
  storagePrice: { label: 'Storage per GB and month ($)', min: 0, max: 1e9, slideTo: 1 },
  hardwarePerHour: { label: 'Own machine per hour ($)', min: 0, max: 1e9, slideTo: 20, hint: '0: charged per token' },
  hardwareHoursPerDay: { label: 'Hours on, a day', min: 0.1, max: 24, slideTo: 24 },
  prefillTokensPerSecond: { label: 'Reads, tokens/s', min: 0.001, max: 1e9, slideTo: 100_000 },
  decodeTokensPerSecond: { label: 'Writes, tokens/s', min: 0.001, max: 1e9, slideTo: 1000 },
} as const satisfies Record<
  NumberKey,
  { label: string; min: number; max: number; integer?: boolean; slideTo: number; hint?: string }
>

export function CalculatorFields({ inputs, onChange }: FieldsProps) {
  const field = (key: NumberKey) => (
    <NumberInput key={key} {...FIELDS[key]} value={inputs[key]} onChange={value => onChange({ [key]: value })} />
  )
  return (
    <>
      <div className="Fields">
        {(['agents', 'steps', 'baseTokens', 'deltaTokens', 'loopsPerDay', 'inputPrice'] as const).map(field)}
      </div>
      <Group
        title="Replies"
        note={
          inputs.outputTokens === 0
            ? 'left out'
            : `${formatCounted(inputs.outputTokens, 'token')} a step${inputs.keepReplies ? ', kept in the context' : ''}`
        }
      >
        {field('outputTokens')}
        {field('outputPrice')}
        <Switch isSelected={inputs.keepReplies} onChange={keepReplies => onChange({ keepReplies })}>
          Replies stay in the context
        </Switch>
      </Group>
      <Group
        title="Provider prompt caching"
        note={inputs.cachedInputPrice === null ? 'none' : `${formatMoney(inputs.cachedInputPrice)} per M cached input`}
      >
        <Switch
          isSelected={inputs.cachedInputPrice !== null}
          onChange={on => onChange({ cachedInputPrice: on ? inputs.inputPrice / 2 : null })}
        >
          The provider caches prompts
        </Switch>
        {inputs.cachedInputPrice === null ? null : (
          <>
            <NumberInput
              label="Price per M cached input ($)"
              min={0}
              max={1e9}
              slideTo={20}
              value={inputs.cachedInputPrice}
              onChange={cachedInputPrice => onChange({ cachedInputPrice })}
            />
            <Switch
              isSelected={inputs.cacheWritePrice !== null}
              onChange={on => onChange({ cacheWritePrice: on ? inputs.inputPrice * 1.25 : null })}
            >
              Writing the cache costs extra
            </Switch>
            {inputs.cacheWritePrice === null ? null : (
              <NumberInput
                label="Price per M cache writes ($)"
                min={0}
                max={1e9}
                slideTo={20}
                value={inputs.cacheWritePrice}
                onChange={cacheWritePrice => onChange({ cacheWritePrice })}
              />
            )}
            {(['cacheLifetimeSeconds', 'secondsBetweenSteps', 'cacheMinimumTokens'] as const).map(field)}
          </>
        )}
      </Group>
      <Group
        title="Sharing and storage"
        note={`${inputs.agentsPerBase === 1 ? 'each agent its own base' : `${formatCounted(inputs.agentsPerBase, 'agent')} a base`}, ${formatCounted(inputs.storedStates, 'state')} kept`}
      >
        {(['agentsPerBase', 'storedStates', 'stateBytesPerToken', 'storagePrice'] as const).map(field)}
      </Group>
      <Group
        title="Own hardware"
        note={inputs.hardwarePerHour === 0 ? 'charged per token' : `${formatMoney(inputs.hardwarePerHour)} an hour`}
      >
        {(['hardwarePerHour', 'hardwareHoursPerDay', 'prefillTokensPerSecond', 'decodeTokensPerSecond'] as const).map(
          field,
        )}
      </Group>
    </>
  )
}

function Group({
  title,
  note,
  children,
}: {
  readonly title: string
  readonly note: string
  readonly children: ReactNode
}) {
  return (
    <details className="Group">
      <summary>
        <b className="Group-title">{title}</b> <span className="muted small">{note}</span>
      </summary>
      <div className="Fields">{children}</div>
    </details>
  )
}
