import { Activity } from 'lucide-react'
import { useState } from 'react'
import { useRead } from '../../stores/useRead.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { TraceView } from './TraceView.tsx'

interface TraceButtonProps {
  /** The infer receipt the trace was recorded with. */
  readonly receiptId: string
  readonly size?: 's' | 'm'
}

/** Opens what the model expected at each token of an answer. For receipts that have a trace. */
export function TraceButton({ receiptId, size = 'm' }: TraceButtonProps) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button
        size={size}
        variant={size === 's' ? 'quiet' : 'secondary'}
        icon={<Activity aria-hidden />}
        onPress={() => setOpen(true)}
      >
        What it expected
      </Button>
      <Dialog title="What the model expected" isOpen={isOpen} onClose={() => setOpen(false)} size="l">
        {isOpen ? <Trace receiptId={receiptId} /> : null}
      </Dialog>
    </>
  )
}

function Trace({ receiptId }: { readonly receiptId: string }) {
  const { data, error, refetch } = useRead('receipts.trace', { id: receiptId })
  if (error !== null)
    return <ErrorPanel error={error} action={{ label: 'Read again', onPress: () => void refetch() }} />
  if (data === undefined)
    return (
      <p className="muted" role="status">
        Reading the trace …
      </p>
    )
  return <TraceView trace={data} />
}
