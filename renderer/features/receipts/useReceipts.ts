import type { Output } from '#shared/rpc/client.ts'
import type { ReceiptView } from '#shared/rpc/methods/views.ts'
import { type Pages, usePages } from '../../stores/usePages.ts'

export interface Receipts extends Pick<Pages<'receipts.list', ReceiptView>, 'need' | 'error' | 'reload'> {
  /** How many pass the filter; null until first read. */
  readonly total: number | null
  /** Number of receipts per operation, unfiltered. */
  readonly ops: Readonly<Record<string, number>>
  /** What the cartridges they are about are called, by `packet_id`. */
  readonly names: Readonly<Record<string, string>>
  /** The receipt at a place of the list, newest first; undefined while it is on its way. */
  readonly at: (index: number) => ReceiptView | undefined
}

export interface ReceiptsWanted {
  /** Only of this operation. */
  readonly op: string | null
  /** Only those about this cartridge. */
  readonly packetId: string | null
}

const receiptsOf = ({ receipts }: Output<'receipts.list'>) => receipts

/** The receipt log, newest first. */
export function useReceipts({ op, packetId }: ReceiptsWanted): Receipts {
  const filter = { ...(op === null ? {} : { op }), ...(packetId === null ? {} : { packetId }) }
  const { answers, items, ...pages } = usePages('receipts.list', filter, receiptsOf)
  const [newest] = answers
  return {
    ...pages,
    total: newest?.total ?? null,
    ops: newest?.ops ?? {},
    names: Object.assign({}, ...answers.toReversed().map(({ names }) => names)),
    at: index => items[index],
  }
}
