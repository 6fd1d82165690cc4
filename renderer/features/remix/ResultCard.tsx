import { useNavigate } from 'react-router'
import type { CartridgeSummary, ReceiptView } from '#shared/rpc/methods/views.ts'
import { Button } from '../../ui/Button.tsx'
import { CartridgeCard } from '../../ui/CartridgeCard.tsx'

interface ResultCardProps {
  readonly cartridge: CartridgeSummary
  readonly receipt: ReceiptView
  /** What it took, e.g. `30 tokens read`. */
  readonly note: string
}

/** The cartridge that came out, with what to do next. */
export function ResultCard({ cartridge, receipt, note }: ResultCardProps) {
  const navigate = useNavigate()
  const id = encodeURIComponent(cartridge.packetId)
  return (
    <div className="RemixResult" role="status">
      <CartridgeCard cartridge={cartridge} />
      <div className="stack">
        <h3>{cartridge.name} is in the library</h3>
        <p className="small muted">{note}</p>
        <div className="row wrap">
          <Button variant="primary" onPress={() => navigate(`/ask/${id}`)}>
            Ask it
          </Button>
          <Button onPress={() => navigate(`/inspect/${id}`)}>Inspect</Button>
          <Button onPress={() => navigate(`/receipts/${encodeURIComponent(receipt.receipt_id)}`)}>
            Receipt {receipt.seq}
          </Button>
        </div>
      </div>
    </div>
  )
}
