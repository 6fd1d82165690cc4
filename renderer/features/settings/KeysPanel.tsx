/** The signing key: shown, carried to another machine, replaced, given up; and the publishers who are trusted here. */
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Keys } from '#shared/rpc/methods/keys.ts'
import { useStudio } from '../../stores/studio.ts'
import { useRead } from '../../stores/useRead.ts'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { IconButton } from '../../ui/IconButton.tsx'
import { saveFile } from '../../ui/saveFile.ts'
import { toastDone, toastError } from '../../ui/toasts.tsx'
import { KeyFileDialog } from './KeyFileDialog.tsx'
import { Section } from './Section.tsx'

type Open = 'export' | 'import' | 'rotate' | 'revoke' | null

export function KeysPanel() {
  const { client } = useStudio()
  const keys = useRead('keys.status', {}).data
  const [open, setOpen] = useState<Open>(null)
  const close = () => setOpen(null)
  if (keys === undefined) return null
  const forget = (keyid: string) => client.call('keys.forget', { keyid }).catch(toastError)
  const rotate = async () => {
    await client.call('keys.rotate', {})
    toastDone('New signing key', 'The one before has signed for it.')
  }
  const revoke = async () => {
    const { certificate } = await client.call('keys.revoke', {})
    saveFile(`revoked-${keys.keyid.slice(0, 8)}.json`, certificate, 'application/json')
    toastDone('Key revoked', 'Send the certificate to those who trusted it.')
  }
  return (
    <Section id="keys">
      <div className="SettingRow SettingRow--tall">
        <div>
          <b>Signing key</b>
          <p className="small muted">Receipts and shared cartridges are signed with it. It never leaves unsealed.</p>
        </div>
        <div className="SettingRow-control row wrap">
          <span className="mono truncate">{keys.keyid.slice(0, 16)}…</span>
          <CopyButton text={keys.publicKey} label="Copy public key" />
          <Button onPress={() => setOpen('export')}>Export</Button>
          <Button onPress={() => setOpen('import')}>Import</Button>
          <Button onPress={() => setOpen('rotate')}>Replace</Button>
          <Button variant="danger" onPress={() => setOpen('revoke')}>
            Revoke
          </Button>
        </div>
      </div>
      <Publishers keys={keys} onForget={forget} />
      {open === 'export' || open === 'import' ? <KeyFileDialog direction={open} onClose={close} /> : null}
      {open === 'rotate' ? (
        <ConfirmDialog title="Replace the signing key" action="Replace" danger onConfirm={rotate} onClose={close}>
          <p>
            A new key signs from now on, and the old one signs for it: whoever trusted you goes on doing so. What the
            old one signed stays valid; its private half is erased.
          </p>
        </ConfirmDialog>
      ) : null}
      {open === 'revoke' ? (
        <ConfirmDialog title="Revoke the signing key" action="Revoke" danger onConfirm={revoke} onClose={close}>
          <p>
            For a key that someone else may have. Nothing vouches for the new one, as a thief could do that too: those
            who trusted you have to trust you again. A certificate is saved; whoever takes it in refuses the old key
            from then on.
          </p>
        </ConfirmDialog>
      ) : null}
    </Section>
  )
}

function Publishers({ keys, onForget }: { readonly keys: Keys; readonly onForget: (keyid: string) => void }) {
  return (
    <div className="SettingRow SettingRow--tall">
      <div>
        <b>Publishers</b>
        <p className="small muted">
          {keys.publishers.length === 0
            ? 'Nobody yet. Who signed a cartridge that you trust is known from then on.'
            : 'Whose signatures count here. What was trusted stays so when one is removed.'}
        </p>
      </div>
      <ul className="Folders">
        {keys.publishers.map(keyid => (
          <li key={keyid}>
            <span className="mono truncate">
              {keyid.slice(0, 32)}…{keys.revoked.includes(keyid) ? ' (revoked)' : ''}
            </span>
            <IconButton label={`Forget ${keyid.slice(0, 16)}`} onPress={() => onForget(keyid)}>
              <Trash2 aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
    </div>
  )
}
