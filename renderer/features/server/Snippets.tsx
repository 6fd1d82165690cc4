import { useState } from 'react'
import type { ServerStatus } from '#shared/rpc/methods/server.ts'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Tabs } from '../../ui/Tabs.tsx'
import { type Snippet, snippets } from './snippets.ts'

/** Code for the usual clients. The token in it is hidden; what is copied has it. */
export function Snippets({
  status: { address, port, token, cli },
  model,
}: {
  readonly status: Pick<ServerStatus, 'address' | 'port' | 'token' | 'cli'>
  readonly model: string
}) {
  const [shown, setShown] = useState<Snippet['id']>('curl')
  const all = snippets({ address: address ?? `http://127.0.0.1:${port}`, token, model, cli })
  return (
    <Tabs
      label="Clients"
      value={shown}
      onChange={setShown}
      items={all.map(({ id, label, code }) => ({
        id,
        label,
        content: (
          <div className="Server-snippet">
            <pre>{code.replaceAll(token, '•'.repeat(16))}</pre>
            <CopyButton text={code} label={`Copy the ${label} snippet`} />
          </div>
        ),
      }))}
    />
  )
}
