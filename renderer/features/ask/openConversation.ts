import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { z } from 'zod'
import { parseDigest } from '#shared/domain/digest.ts'
import { conversationIdSchema } from '#shared/rpc/methods/turn.ts'
import { askAddress } from '../../app/askAddress.ts'
import { read } from '../../stores/read.ts'
import { useStudio } from '../../stores/studio.ts'
import { keep, kept } from '../../stores/useKept.ts'
import { describeError } from '../../ui/describeError.ts'
import { toastError } from '../../ui/toasts.tsx'

const OPEN = 'ask.open'
const openSchema = z.object({ id: conversationIdSchema, slots: z.array(z.string()) })

/** Where a conversation is on screen, with what is in its slots. */
export function addressOf(id: string, slots: readonly string[]): string {
  return `${askAddress(slots)}?conversation=${id}`
}

/** Remembers what this window shows, for when one comes back to Ask. */
export function rememberOpen(id: string, slots: readonly string[]): void {
  keep(OPEN, { id, slots })
}

/**
 * Goes to the conversation that an address without one means: with cartridges, the last that has them in its slots; else the one
 * that this window showed last. Where there is none, one begins.
 */
export function useOpening(slots: readonly string[], isOpen: boolean): void {
  const { queries } = useStudio()
  const navigate = useNavigate()
  const key = slots.map(encodeURIComponent).join(' ')
  useEffect(() => {
    if (isOpen) return
    let isLeft = false
    const go = (id: string, put: readonly string[]) => {
      if (!isLeft) void navigate(addressOf(id, put), { replace: true })
    }
    const refs = key === '' ? [] : key.split(' ').map(decodeURIComponent)
    if (refs.length === 0) {
      const open = kept(OPEN, openSchema.nullable(), null)
      go(open?.id ?? crypto.randomUUID(), open?.slots ?? [])
    } else {
      const [first = ''] = refs
      const resolved =
        refs.length > 1
          ? Promise.resolve(refs.map(parseDigest))
          : queries.query(read('packets.resolve', { ref: first })).then(({ packetId }) => [packetId])
      resolved
        .then(found => queries.query(read('conversations.list', { slots: found, limit: 1 })))
        .then(
          ({ items }) => go(items[0]?.id ?? crypto.randomUUID(), refs),
          error => {
            // What is not there is said where it would be asked.
            if (!isLeft && describeError(error).code !== 'E_NOT_FOUND') toastError(error)
            go(crypto.randomUUID(), refs)
          },
        )
    }
    return () => {
      isLeft = true
    }
  }, [queries, navigate, key, isOpen])
}
