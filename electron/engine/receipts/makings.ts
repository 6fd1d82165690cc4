import type { Digest } from '#shared/domain/digest.ts'
import type { ReceiptOp } from '#shared/domain/receipt.ts'
import { verifyEnvelope } from './dsse.ts'
import type { LogRecord } from './logFile.ts'
import { recordsAbout } from './logQueries.ts'

/** Operations whose output this installation computed itself; an import proves nothing about what it brings in. */
const MAKES: readonly ReceiptOp[] = ['create', 'infer', 'merge', 'compact', 'remix', 'withhold']

/** The lines of a log in which a trusted key signed that this installation made the packet itself, newest first. */
export async function* makings(
  reading: Parameters<typeof recordsAbout>[0],
  { packet, trusted }: { readonly packet: Digest; readonly trusted: Parameters<typeof verifyEnvelope>[1] },
): AsyncGenerator<LogRecord & { readonly line: Uint8Array }> {
  for await (const record of recordsAbout(reading, { about: packet, ops: MAKES })) {
    const { ok, outputs } = record.receipt
    // An infer's packet_id is what it started from: only outputs are its own work.
    if (!ok || !outputs.some(({ digest }) => digest === packet)) continue
    const holds = await verifyEnvelope(record.envelope, trusted).then(
      () => true,
      () => false,
    )
    if (holds) yield record
  }
}
