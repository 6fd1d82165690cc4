import { ArrowUp, Square } from 'lucide-react'
import type { KeyboardEvent } from 'react'
import { TextArea, TextField } from 'react-aria-components'
import { useRead } from '../../stores/useRead.ts'
import { useSettled } from '../../stores/useSettled.ts'
import { Button } from '../../ui/Button.tsx'
import { Chip } from '../../ui/Chip.tsx'
import { formatCount, formatCounted } from '../../ui/format.ts'
import { Kbd } from '../../ui/Kbd.tsx'
import { NumberField } from '../../ui/NumberField.tsx'
import { Select } from '../../ui/Select.tsx'
import type { Draft } from './useDraft.ts'
import { useRecall } from './useRecall.ts'

export interface AskOptions {
  readonly maxNewTokens: number
  /** 0: greedy. */
  readonly temperature: number
  readonly seed: number
  readonly compare: boolean
  /** Continue after the last answer, instead of asking the cartridge as it was. Null: what suits the model. */
  readonly followUp: boolean | null
  /** Record what the model expected at each token. */
  readonly trace: boolean
}

export interface ComposerProps {
  readonly canAsk: boolean
  readonly draft: Draft
  /** What was asked before, newest first: Arrow Up brings it back. */
  readonly asked: readonly string[]
  /** The state that a question goes on from; null: none. */
  readonly from: string | null
  readonly model: string | undefined
  /** System prompt of a conversation that begins here. */
  readonly system: string
  /** Tokens of the state that the question continues: what a naive loop would read again. */
  readonly baseTokens: number
  readonly running: boolean
  /** Whether a question would continue now; null where there is nothing to continue. */
  readonly followUp: boolean | null
  readonly options: AskOptions
  readonly onOptions: (part: Partial<AskOptions>) => void
  readonly onAsk: (question: string) => void
  readonly onStop: () => void
  /** Looks for the cartridge that a question is about; absent while one is in the slot. */
  readonly onFind?: (question: string) => void
}

const TEMPERATURES = [
  { id: '0', label: 'Likeliest', description: 'Always the likeliest word: greedy decoding' },
  { id: '0.4', label: 'Calm', description: 'Temperature 0.4' },
  { id: '0.8', label: 'Varied', description: 'Temperature 0.8' },
  { id: '1.2', label: 'Wild', description: 'Temperature 1.2' },
] as const
const STARTS = [
  { id: 'fresh', label: 'Afresh', description: 'From the cartridge as it was' },
  { id: 'follow', label: 'Follow-up', description: 'From the last answer' },
] as const
const LENGTHS = ['16', '32', '64', '128', '256', '512', '1024'] as const

/** Where the question is written. Enter asks, Shift+Enter breaks the line, Arrow Up recalls. */
export function Composer(props: ComposerProps) {
  const { options, onOptions, running } = props
  const { text, write, take } = props.draft
  const recall = useRecall(props.asked, props.draft)
  const counted = useSettled(text.trim(), 200)
  const tokens = useRead(
    'packets.count',
    counted === ''
      ? null
      : props.from !== null
        ? { ref: props.from, text: counted, chat: true }
        : props.model === undefined
          ? null
          : { model: props.model, text: counted, chat: true, ...(props.system === '' ? {} : { system: props.system }) },
    { keepsLast: true },
  ).data?.count
  const canAsk = props.canAsk && text.trim() !== '' && !running

  function submit(): void {
    if (!canAsk) return
    const question = text.trim()
    void take().then(() => props.onAsk(question))
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault()
      submit()
    }
    if (event.key === 'Escape' && running) props.onStop()
    recall(event)
  }

  return (
    <div className="Composer">
      <TextField aria-label="Question" value={text} onChange={write} maxLength={20_000} autoFocus>
        <TextArea
          className="Composer-text"
          rows={2}
          placeholder="Ask a short question. Only these words are read."
          onKeyDown={onKeyDown}
        />
      </TextField>
      <div className="Composer-foot">
        <Select
          pill
          hideLabel
          label="How words are chosen"
          options={TEMPERATURES}
          value={TEMPERATURES.find(entry => Number(entry.id) === options.temperature)?.id ?? null}
          onChange={id => onOptions({ temperature: Number(id) })}
        />
        <Select
          pill
          hideLabel
          label="Longest answer"
          options={LENGTHS.map(id => ({ id, label: `${id} tokens` }))}
          value={LENGTHS.find(id => Number(id) === options.maxNewTokens) ?? null}
          onChange={id => onOptions({ maxNewTokens: Number(id) })}
        />
        {props.followUp === null ? null : (
          <Select
            pill
            hideLabel
            label="Where the question starts"
            options={STARTS}
            value={props.followUp ? 'follow' : 'fresh'}
            onChange={id => onOptions({ followUp: id === 'follow' })}
          />
        )}
        {options.temperature === 0 ? null : (
          <span className="Composer-seed">
            <NumberField
              label="Seed"
              integer
              min={0}
              max={0xffffffff}
              value={options.seed}
              onChange={seed => onOptions({ seed })}
            />
          </span>
        )}
        {props.from === null ? null : (
          <Chip selected={options.trace} onChange={trace => onOptions({ trace })}>
            Record what the model expected
          </Chip>
        )}
        <span className="Composer-count" aria-live="polite">
          {tokens === undefined || counted === '' ? '' : count(tokens, props.baseTokens)}
        </span>
        {props.onFind === undefined ? null : (
          <Button isDisabled={text.trim() === ''} onPress={() => props.onFind?.(text.trim())}>
            Find a cartridge for it
          </Button>
        )}
        {running ? (
          <Button icon={<Square aria-hidden />} onPress={props.onStop}>
            Stop
          </Button>
        ) : (
          <Button variant="primary" isDisabled={!canAsk} onPress={submit} icon={<ArrowUp aria-hidden />}>
            Ask <Kbd>↵</Kbd>
          </Button>
        )}
      </div>
    </div>
  )
}

function count(tokens: number, base: number): string {
  const words = formatCounted(tokens, 'token')
  return base === 0 ? words : `${words}, not ${formatCount(base + tokens)}`
}
