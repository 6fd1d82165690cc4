import { Ban } from 'lucide-react'
import type { Output } from '#shared/rpc/client.ts'
import { useClient } from '../../stores/studio.ts'
import { Button } from '../../ui/Button.tsx'
import { toastError } from '../../ui/toasts.tsx'

export interface BlockedNoticeProps {
  readonly publisher: NonNullable<Output<'packets.review'>['blocked']>
  readonly onUnblocked: () => void
}

/** Why a reviewed cartridge is not taken in, and the way out. */
export function BlockedNotice({ publisher, onUnblocked }: BlockedNoticeProps) {
  const client = useClient()
  const unblock = () => client.call('share.block', { ...publisher, blocked: false }).then(onUnblocked, toastError)
  return (
    <div className="TrustNotice" role="note">
      <Ban aria-hidden />
      <div className="stack stack--tight">
        <p>
          <b>{publisher.name} is blocked here.</b> Nothing that they have signed is taken in, wherever it comes from.
        </p>
        <div className="row wrap">
          <Button size="s" onPress={() => void unblock()}>
            Unblock {publisher.name}
          </Button>
        </div>
      </div>
    </div>
  )
}
