import { useNavigate } from 'react-router'
import { receiptNumber } from '#shared/domain/receipt.ts'
import type { Created } from '#shared/rpc/methods/packets.ts'
import { Button } from '../../ui/Button.tsx'
import { CartridgeCard } from '../../ui/CartridgeCard.tsx'
import { formatCount } from '../../ui/format.ts'
import { scrollIntoView } from '../../ui/scrollIntoView.ts'

interface ResultCardProps {
  readonly created: Pick<Created, 'cartridge' | 'receipt'> & Partial<Pick<Created, 'notes'>>
  /** What it took, e.g. `30 tokens read`. */
  readonly note: string
  /** Nobody who has gone on to something else is taken away from it. */
  readonly isAwaited: boolean
}

/** The cartridge that came out, with what to do next. */
export function ResultCard({ created: { cartridge, receipt, notes = [] }, note, isAwaited }: ResultCardProps) {
  const navigate = useNavigate()
  const id = encodeURIComponent(cartridge.packetId)
  return (
    <div ref={isAwaited ? scrollIntoView : null} className="RemixResult" role="status">
      <CartridgeCard cartridge={cartridge} />
      <div className="stack">
        <h3>{cartridge.name} is in the library</h3>
        {[note, ...notes].map(line => (
          <p key={line} className="small muted">
            {line}
          </p>
        ))}
        <div className="row wrap">
          <Button variant="primary" onPress={() => navigate(`/ask/${id}`)}>
            Ask it
          </Button>
          <Button onPress={() => navigate(`/inspect/${id}`)}>Inspect</Button>
          <Button onPress={() => navigate(`/receipts/${encodeURIComponent(receipt.receipt_id)}`)}>
            Receipt {formatCount(receiptNumber(receipt.seq))}
          </Button>
        </div>
      </div>
    </div>
  )
}
