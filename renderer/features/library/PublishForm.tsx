import { type FormEvent, useState } from 'react'
import { entryNameSchema } from '#shared/domain/catalogue.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Switch } from '../../ui/Switch.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastDone } from '../../ui/toasts.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import type { Leaving } from './LeavingChoices.tsx'

/** Puts a cartridge into a registry or on the hub, below what that gives away; closed until somebody wants to. */
export function PublishForm({
  packetId,
  leaving,
  onDone,
}: {
  readonly packetId: string
  readonly leaving: Leaving
  readonly onDone: () => void
}) {
  const task = useTask('share.push')
  const [to, setTo] = useState('')
  const [licence, setLicence] = useState('')
  const [isPrivate, setPrivate] = useState(false)
  const [place, setPlace] = useState('')
  const [name, setName] = useState('')
  const isHub = /^hf:/.test(to.trim())
  const isNamed = entryNameSchema.safeParse(name.trim())
  const needsName = place.trim() !== '' && !isNamed.success

  async function publish(event: FormEvent): Promise<void> {
    event.preventDefault()
    const catalogue = place.trim() === '' ? {} : { catalogue: { place: place.trim(), name: name.trim() } }
    const under = licence.trim() === '' ? null : licence.trim()
    const result = await task.run({ ref: packetId, ...leaving, to: to.trim(), licence: under, isPrivate, ...catalogue })
    if (result === null) return
    toastDone('Published', result.reference)
    onDone()
  }
  return (
    <details className="Publish">
      <summary>Publish it in a registry or on the hub</summary>
      <form className="stack" onSubmit={event => void publish(event)}>
        <TextField
          label="Where to"
          mono
          placeholder="ghcr.io/you/handbook:v1 or hf://you/handbook"
          value={to}
          onChange={setTo}
          hint="With the login of docker, podman or skopeo, or the token of hf auth login. A repository of the hub is made when it is not there."
        />
        <TextField label="Licence" placeholder="CC-BY-4.0" value={licence} onChange={setLicence} maxLength={100} />
        {isHub ? (
          <Switch isSelected={isPrivate} onChange={setPrivate}>
            Private, when it is made
          </Switch>
        ) : null}
        <TextField
          label="Enter it in your catalogue"
          mono
          placeholder="ghcr.io/you/catalogue"
          value={place}
          onChange={setPlace}
          hint="Leave it empty for none. A catalogue is made when it is not there."
        />
        {place.trim() === '' ? null : (
          <TextField
            label="Called there"
            mono
            placeholder="you/handbook"
            value={name}
            onChange={setName}
            error={
              needsName && name !== '' ? 'Like you/handbook: lower-case letters, digits, dots, - and _.' : undefined
            }
          />
        )}
        {task.error === null ? null : <ErrorPanel error={task.error} />}
        {task.status === 'running' ? (
          <>
            <TaskProgress progress={task.progress} fallback="Asking the server" />
            <Button onPress={task.cancel}>Cancel</Button>
          </>
        ) : (
          <Button type="submit" isDisabled={to.trim() === '' || needsName}>
            Publish
          </Button>
        )}
      </form>
    </details>
  )
}
