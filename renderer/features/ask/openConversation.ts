import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { z } from 'zod'
import { conversationIdSchema } from '#shared/rpc/methods/turn.ts'
import { useClient } from '../../stores/studio.ts'
import { keep, kept } from '../../stores/useKept.ts'
import { toastError } from '../../ui/toasts.tsx'

const OPEN = 'ask.open'
const openSchema = z.object({ id: conversationIdSchema, packetId: z.string().nullable() })

/** Where a conversation is on screen, with what is in its slot. */
export function addressOf(id: string, packetId: string | null): string {
  return `/ask${packetId === null ? '' : `/${encodeURIComponent(packetId)}`}?conversation=${id}`
}

/** Remembers what this window shows, for when one comes back to Ask. */
export function rememberOpen(id: string, packetId: string | null): void {
  keep(OPEN, { id, packetId })
}

/**
 * Goes to the conversation that an address without one means: with a cartridge, the last that has it in its slot; else the one
 * that this window showed last. Where there is none, one begins.
 */
export function useOpening(packetId: string | null, isOpen: boolean): void {
  const client = useClient()
  const navigate = useNavigate()
  useEffect(() => {
    if (isOpen) return
    const abort = new AbortController()
    const go = (id: string, slot: string | null) => {
      if (!abort.signal.aborted) void navigate(addressOf(id, slot), { replace: true })
    }
    if (packetId === null) {
      const open = kept(OPEN, openSchema.nullable(), null)
      go(open?.id ?? crypto.randomUUID(), open?.packetId ?? null)
    } else {
      client
        .call('packets.resolve', { ref: packetId }, { signal: abort.signal })
        .then(({ packetId: found }) => client.call('conversations.list', { packetId: found, limit: 1 }))
        .then(
          ({ items }) => go(items[0]?.id ?? crypto.randomUUID(), packetId),
          error => {
            if (!abort.signal.aborted) toastError(error)
            go(crypto.randomUUID(), packetId)
          },
        )
    }
    return () => abort.abort()
  }, [client, navigate, packetId, isOpen])
}
