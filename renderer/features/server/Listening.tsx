import { Eye, EyeOff, RefreshCw } from 'lucide-react'
import { useState } from 'react'
import type { ServerStatus } from '#shared/rpc/methods/server.ts'
import { useClient } from '../../stores/studio.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { IconButton } from '../../ui/IconButton.tsx'
import { NumberField } from '../../ui/NumberField.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { Switch } from '../../ui/Switch.tsx'
import { toastDone, toastError } from '../../ui/toasts.tsx'

interface ListeningProps {
  readonly status: ServerStatus
  /** Resolves when the status has been read again. */
  readonly onChange: () => Promise<unknown>
}

/** Start and stop, where it answers, and what callers must send. */
export function Listening({ status, onChange }: ListeningProps) {
  const { address, token } = status
  const client = useClient()
  const [port, setPort] = useState(status.port)
  const [isShown, setShown] = useState(false)
  const [isChanging, setChanging] = useState(false)
  const change = (work: Promise<unknown>) => {
    setChanging(true)
    work
      .catch(toastError)
      .then(onChange)
      .finally(() => setChanging(false))
  }
  const start = (network: boolean) => change(client.call('server.start', { port, network }))
  const isRunning = address !== null
  return (
    <Panel
      title="API server"
      note={<Badge tone={isRunning ? 'ok' : 'muted'}>{isRunning ? 'Running' : 'Stopped'}</Badge>}
      actions={
        <Button
          variant={isRunning ? 'secondary' : 'primary'}
          isPending={isChanging}
          onPress={() => (isRunning ? change(client.call('server.stop', {})) : start(status.network))}
        >
          {isRunning ? 'Stop' : 'Start'}
        </Button>
      }
    >
      <div className="Server-listening">
        <Facts
          caption="Where the server answers"
          facts={[
            {
              label: 'Address',
              value: isRunning ? (
                <span className="row">
                  <span className="mono">{address}</span>
                  <CopyButton text={address} label="Copy address" />
                </span>
              ) : (
                <span className="muted">starts at port {String(port)}</span>
              ),
            },
            {
              label: 'Token',
              value: (
                <span className="row">
                  <span className="mono">{isShown ? token : '•'.repeat(16)}</span>
                  <IconButton label={isShown ? 'Hide token' : 'Show token'} onPress={() => setShown(!isShown)}>
                    {isShown ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
                  </IconButton>
                  <CopyButton text={token} label="Copy token" />
                  <IconButton
                    label="New token"
                    onPress={() =>
                      change(
                        client
                          .call('server.rotateToken', {})
                          .then(() => toastDone('New token', 'Programs with the old one are refused from now on.')),
                      )
                    }
                  >
                    <RefreshCw aria-hidden />
                  </IconButton>
                </span>
              ),
            },
          ]}
        />
        <div className="Server-choices">
          {isRunning ? null : (
            <NumberField label="Port" value={port} onChange={setPort} min={1} max={65535} integer ungrouped />
          )}
          <Switch isSelected={status.network} isDisabled={!isRunning} onChange={network => start(network)}>
            Let other machines on the network in
          </Switch>
          <p className={`small ${status.network && isRunning ? 'Server-warning' : 'muted'}`}>
            {status.network && isRunning
              ? 'Any machine that reaches this one and has the token can ask, and spends your time and memory. It is plain http: whoever is between can read the token and every text. In a network you do not trust, turn this off.'
              : 'Only programs on this machine reach it. Starting on the network sends tokens and texts over plain http.'}
          </p>
        </div>
      </div>
    </Panel>
  )
}
