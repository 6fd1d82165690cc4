/** Why a prompt was read from the start: the cartridge that comes closest, and the first token at which they part. */
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useRead } from '../../stores/useRead.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount, formatCounted } from '../../ui/format.ts'
import { Select } from '../../ui/Select.tsx'
import { TextArea } from '../../ui/TextArea.tsx'
import { Parting } from './CompareView.tsx'

/** What made the token at which a cartridge and a prompt part. */
const CAUSES = {
  'system prompt': () => 'its system prompt is another',
  date: (time: string | null) => `its chat template wrote another date (${time?.split('T')[0] ?? 'unknown'})`,
  template: () => 'its chat template writes something else there',
  text: () => 'its text goes on differently',
} satisfies Record<string, (time: string | null) => string>

export function WhyMissView({ model }: { readonly model: string }) {
  const navigate = useNavigate()
  const models = useRead('models.list', {})
  const task = useTask('packets.whyMiss')
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState<string | null>(null)
  const options = (models.data?.models ?? []).map(entry => ({ id: entry.id, label: entry.name }))
  const value =
    chosen ?? options.find(option => option.label === model || option.id === model)?.id ?? options[0]?.id ?? null
  const best = task.result?.best ?? null
  return (
    <div className="stack">
      <div>
        <h2>Why did a prompt miss?</h2>
        <p className="muted small">
          A stored state is reused only when it is an exact beginning of the prompt, token for token. Paste the prompt
          to see where it parts from the nearest cartridge.
        </p>
      </div>
      <Select label="Model" options={options} value={value} onChange={setChosen} />
      <TextArea
        label="Prompt"
        rows={6}
        value={text}
        onChange={setText}
        placeholder="The whole prompt, from its first character"
      />
      <div className="row">
        <Button
          variant="primary"
          isDisabled={value === null || text === ''}
          isPending={task.status === 'running'}
          onPress={() => {
            if (value !== null) void task.run({ model: value, text })
          }}
        >
          Find the nearest
        </Button>
      </div>
      {task.error === null ? null : <ErrorPanel error={task.error} />}
      {task.result === null ? null : best === null ? (
        <p className="Inspect-note">
          No cartridge of this model begins like this prompt: all {formatCounted(task.result.tokens, 'token')} would be
          read.
        </p>
      ) : (
        <>
          <p className="Inspect-note" data-tone={best.hit ? 'ok' : 'warn'}>
            {best.hit ? (
              <>
                This prompt hits <b>{best.cartridge.name}</b>: {formatCount(best.commonTokens)} of{' '}
                {formatCounted(task.result.tokens, 'token')} need not be read again.
              </>
            ) : (
              <>
                The nearest is <b>{best.cartridge.name}</b>. It shares {formatCount(best.commonTokens)} of its{' '}
                {formatCounted(best.cartridge.tokens, 'token')} with the prompt, then they part
                {best.part === null ? '' : `: ${CAUSES[best.part](best.time)}`}.
              </>
            )}
          </p>
          {best.hit ? null : (
            <Parting
              before={best.before}
              a={best.prompt}
              b={best.cartridgeText}
              names={['Your prompt', best.cartridge.name]}
              position={best.commonTokens}
            />
          )}
          <div className="row">
            <Button onPress={() => navigate(`/inspect/${encodeURIComponent(best.cartridge.packetId)}`)}>
              Inspect that cartridge
            </Button>
          </div>
        </>
      )}
    </div>
  )
}
