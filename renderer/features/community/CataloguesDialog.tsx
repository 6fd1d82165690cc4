import { Trash2 } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import type { Output } from '#shared/rpc/client.ts'
import { useClient } from '../../stores/studio.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { IconButton } from '../../ui/IconButton.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastError } from '../../ui/toasts.tsx'

/** Which catalogues are looked into, and whose cartridges are not shown. */
export function CataloguesDialog({
  isOpen,
  onClose,
  catalogues,
  blocked,
}: Pick<Output<'share.catalogues'>, 'catalogues' | 'blocked'> & {
  readonly isOpen: boolean
  readonly onClose: () => void
}) {
  const client = useClient()
  const adding = useTask('share.addCatalogue')
  const [place, setPlace] = useState('')
  async function add(event: FormEvent): Promise<void> {
    event.preventDefault()
    if ((await adding.run({ place: place.trim() })) === null) return
    setPlace('')
  }
  const remove = (at: string) => client.call('share.removeCatalogue', { place: at }).catch(toastError)
  const unblock = (publisher: { keyid: string; name: string }) =>
    client.call('share.block', { ...publisher, blocked: false }).catch(toastError)
  const added = catalogues.filter(catalogue => catalogue.place !== 'shipped')
  return (
    <Dialog
      title="Catalogues"
      size="m"
      isOpen={isOpen}
      onClose={onClose}
      footer={<Button onPress={onClose}>Done</Button>}
    >
      <p className="muted">
        A catalogue is a signed list of cartridges in a registry or on the hub. Its key is remembered when it is added;
        a list that another key has signed is not shown.
      </p>
      {added.length === 0 ? null : (
        <ul className="Catalogues" aria-label="Added catalogues">
          {added.map(catalogue => (
            <li key={catalogue.place}>
              <span className="stack stack--tight grow">
                <b className="truncate">{catalogue.title}</b>
                {catalogue.title === catalogue.place ? null : (
                  <span className="small muted mono truncate">{catalogue.place}</span>
                )}
              </span>
              <IconButton label={`Remove ${catalogue.title}`} onPress={() => void remove(catalogue.place)}>
                <Trash2 aria-hidden />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      <form className="Catalogues-add" onSubmit={event => void add(event)}>
        <TextField
          aria-label="Address of a catalogue"
          mono
          placeholder="ghcr.io/you/catalogue or hf://you/catalogue"
          value={place}
          onChange={setPlace}
        />
        <Button type="submit" isDisabled={place.trim() === '' || adding.status === 'running'}>
          {adding.status === 'running' ? 'Reading it' : 'Add'}
        </Button>
      </form>
      {adding.error === null ? null : <ErrorPanel error={adding.error} />}
      {blocked.length === 0 ? null : (
        <section className="stack stack--tight" aria-label="Blocked publishers">
          <h3>Blocked publishers</h3>
          <ul className="Catalogues">
            {blocked.map(publisher => (
              <li key={publisher.keyid}>
                <span className="grow truncate">
                  {publisher.name} <span className="small muted mono">{publisher.keyid.slice(0, 16)}…</span>
                </span>
                <Button size="s" onPress={() => void unblock(publisher)} aria-label={`Unblock ${publisher.name}`}>
                  Unblock
                </Button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Dialog>
  )
}
