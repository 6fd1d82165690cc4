import { ShieldAlert } from 'lucide-react'
import { Button } from '../../ui/Button.tsx'

export interface TrustNoticeProps {
  /** Recomputing needs the model. */
  readonly canCheck: boolean
  /** Who signed it; null for nobody. */
  readonly signedBy: string | null
  readonly onTrust: () => void
  readonly onCheck: () => void
}

/** Why a cartridge from elsewhere does not run yet, and the two ways to change that. */
export function TrustNotice({ canCheck, signedBy, onTrust, onCheck }: TrustNoticeProps) {
  return (
    <div className="TrustNotice">
      <ShieldAlert aria-hidden />
      <div className="stack stack--tight">
        <p>
          <b>Not trusted yet.</b> It came from elsewhere, and a state can say things its text does not. You can look
          inside; it will not run. {signedBy === null ? null : `Signed by ${signedBy}: trusting it trusts them, too.`}
        </p>
        <div className="row wrap">
          <Button size="s" onPress={onCheck} isDisabled={!canCheck}>
            Check by recomputing
          </Button>
          <Button size="s" onPress={onTrust}>
            Trust
          </Button>
        </div>
      </div>
    </div>
  )
}
