/** The field for a provider's key: used once, or kept for later; a kept key is never shown again. */
import type { Output } from '#shared/rpc/client.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { describeError } from '../../ui/describeError.ts'
import { TextField } from '../../ui/TextField.tsx'

interface ProviderKeyFieldProps {
  /** Null until it is known. */
  readonly kept: Output<'savings.providerKey'> | null
  /** What is being typed; empty when the kept key is to be used. */
  readonly value: string
  readonly onChange: (value: string) => void
}

const PLACES = {
  'os-key-store': "on this computer, encrypted under your system's key store",
  memory: 'in memory until the Studio closes',
} as const

export function ProviderKeyField({ kept, value, onChange }: ProviderKeyFieldProps) {
  const task = useTask('savings.setProviderKey')
  const saved = kept?.saved === true
  const place = PLACES[kept?.where ?? 'memory']
  const bad = /[^\x21-\x7e]/.test(value)
  const refused = task.status === 'failed' ? describeError(task.error).line : undefined
  const forget = saved && value === ''
  const save = async () => {
    if ((await task.run({ apiKey: forget ? null : value })) !== null) onChange('')
  }
  return (
    <TextField
      label="API key"
      type="password"
      mono
      autoComplete="off"
      value={value}
      onChange={onChange}
      placeholder={saved ? 'The kept key is used' : 'Optional'}
      hint={
        saved
          ? `Your key is kept ${place}, and goes to the endpoint only.`
          : `Stays in this window unless you keep it: then ${place}. Never in logs or receipts.`
      }
      error={bad ? 'A key has no spaces, line breaks or accents.' : refused}
      after={
        <Button
          size="s"
          isDisabled={bad || (!saved && value === '')}
          isPending={task.status === 'running'}
          onPress={save}
        >
          {forget ? 'Forget it' : 'Keep this key'}
        </Button>
      }
    />
  )
}
