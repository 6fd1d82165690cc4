import { useCallback, useEffect, useRef, useState } from 'react'
import type { Output } from '#shared/rpc/client.ts'
import type { ReceiptView } from '#shared/rpc/methods/views.ts'
import { useClient } from '../../stores/studio.ts'

const PAGE = 200

export interface Receipts {
  /** How many pass the filter; null until first read. */
  readonly total: number | null
  /** Number of receipts per operation, unfiltered. */
  readonly ops: Readonly<Record<string, number>>
  /** What the cartridges they are about are called, by `packet_id`. */
  readonly names: Readonly<Record<string, string>>
  /** The receipt at a place of the list, newest first; undefined while it is on its way. */
  readonly at: (index: number) => ReceiptView | undefined
  /** Asks for the pages that hold `from` to `to`. */
  readonly need: (from: number, to: number) => void
  readonly error: unknown
  readonly reload: () => void
}

interface Loaded {
  readonly total: number | null
  readonly ops: Output<'receipts.list'>['ops']
  readonly names: Output<'receipts.list'>['names']
  readonly pages: ReadonlyMap<number, readonly ReceiptView[]>
  readonly error: unknown
}

const NOTHING: Loaded = { total: null, ops: {}, names: {}, pages: new Map(), error: null }

export interface ReceiptsWanted {
  /** Only of this operation. */
  readonly op: string | null
  /** Only those about this cartridge. */
  readonly packetId: string | null
}

/** The receipt log, newest first, read page by page as it is scrolled to, and again when something was appended. */
export function useReceipts({ op, packetId }: ReceiptsWanted): Receipts {
  const client = useClient()
  const [loaded, setLoaded] = useState(NOTHING)
  const generation = useRef(0)
  const asked = useRef(new Set<number>())
  const range = useRef<readonly [number, number]>([0, 0])

  const readPage = useCallback(
    async (page: number) => {
      if (asked.current.has(page)) return
      asked.current.add(page)
      const mine = generation.current
      try {
        const answer = await client.call('receipts.list', {
          ...(op === null ? {} : { op }),
          ...(packetId === null ? {} : { packetId }),
          offset: page * PAGE,
          limit: PAGE,
        })
        if (mine !== generation.current) return
        setLoaded(before => ({
          total: answer.total,
          ops: answer.ops,
          names: { ...before.names, ...answer.names },
          // A log that grew shifted every place: pages of the shorter one are not kept.
          pages: new Map([...(before.total === answer.total ? before.pages : []), [page, answer.receipts]]),
          error: null,
        }))
      } catch (error) {
        if (mine !== generation.current) return
        asked.current.delete(page)
        setLoaded(before => ({ ...before, error }))
      }
    },
    [client, op, packetId],
  )
  const need = useCallback(
    (from: number, to: number) => {
      range.current = [Math.max(0, from), Math.max(0, to)]
      for (let page = Math.floor(range.current[0] / PAGE); page <= Math.floor(range.current[1] / PAGE); page += 1)
        void readPage(page)
    },
    [readPage],
  )
  const reload = useCallback(() => {
    generation.current += 1
    asked.current.clear()
    need(...range.current)
  }, [need])

  useEffect(() => {
    range.current = [0, 0]
    setLoaded(before => ({ ...NOTHING, ops: before.ops }))
    reload()
    let timer: ReturnType<typeof setTimeout> | undefined
    const soon = () => {
      clearTimeout(timer)
      timer = setTimeout(reload, 100)
    }
    const stop = client.on('receipts.appended', soon)
    const stopEngine = client.on('engine.status', ({ state }) => {
      if (state === 'ready') soon()
    })
    return () => {
      clearTimeout(timer)
      stop()
      stopEngine()
    }
  }, [client, reload])

  return {
    total: loaded.total,
    ops: loaded.ops,
    names: loaded.names,
    at: index => loaded.pages.get(Math.floor(index / PAGE))?.[index % PAGE],
    need,
    error: loaded.error,
    reload,
  }
}
