/** State Pack v0.1: the ids it computes, so that its packets and receipts can be checked. Its pickle blobs are never loaded. */
import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { sha256 } from '../sha256.ts'

export const LEGACY_PACKET_VERSION = 'state-pack-v0.1'

export interface LegacyPacket {
  readonly version?: string
  readonly model: string
  /** Bare hexadecimal, of the raw text. */
  readonly base_sha256: string
  readonly base_bytes: number
  readonly blob_sha256: string
  readonly blob_bytes: number
}

/** `packet_id` of a v0.1 manifest: SHA-256 of its six identifying fields joined by `|`. */
export function legacyPacketId(packet: LegacyPacket): Digest {
  const { version = LEGACY_PACKET_VERSION, model, base_sha256, base_bytes, blob_sha256, blob_bytes } = packet
  return sha256([version, model, base_sha256, base_bytes, blob_sha256, blob_bytes].join('|'))
}

/** v0.1's chain: SHA-256 of "parent|SHA-256(delta text)", both bare hexadecimal. Offered as `legacy_hash` beside ours. */
export function legacyHash(parent: string, delta: string): string {
  return hexOf(sha256(`${parent}|${hexOf(sha256(delta))}`))
}

/** v0.1's trace of a tokenised delta: SHA-256 of the ids as compact JSON, bare hexadecimal. */
export function legacyTokenTrace(ids: Iterable<number>): string {
  return hexOf(sha256(JSON.stringify([...ids])))
}

export interface LegacySavings {
  readonly base: number
  readonly delta: number
  readonly processed: number
  readonly saved: number
  readonly savings_percent: number
}

export interface LegacyReceipt {
  readonly op: string
  readonly ok: boolean
  readonly packet_id?: string | null
  readonly base_sha256?: string | null
  readonly blob_sha256?: string | null
  readonly delta_sha256?: string | null
  readonly bytes?: number | null
  /** Later v0.1 builds have this field; leave it out for the earlier ones. */
  readonly bytes_saved?: LegacySavings | null
  readonly tokens?: LegacySavings | null
}

/** v0.1's receipt_id: SHA-256 of its compact JSON in declaration order, `receipt_id` and everything absent as null. */
export function legacyReceiptId(receipt: LegacyReceipt): Digest {
  const { op, ok, packet_id, base_sha256, blob_sha256, delta_sha256, bytes, bytes_saved, tokens } = receipt
  const fields = [
    ['receipt_id', 'null'],
    ['op', JSON.stringify(op)],
    ['ok', JSON.stringify(ok)],
    ['packet_id', JSON.stringify(packet_id ?? null)],
    ['base_sha256', JSON.stringify(base_sha256 ?? null)],
    ['blob_sha256', JSON.stringify(blob_sha256 ?? null)],
    ['delta_sha256', JSON.stringify(delta_sha256 ?? null)],
    ['bytes', JSON.stringify(bytes ?? null)],
    ...(bytes_saved === undefined ? [] : [['bytes_saved', savingsJson(bytes_saved)]]),
    ['tokens', savingsJson(tokens ?? null)],
  ]
  return sha256(`{${fields.map(([name, value]) => `"${name}":${value}`).join(',')}}`)
}

/** Its percentage is a floating-point field and is written with a decimal point even when whole. */
function savingsJson(savings: LegacySavings | null): string {
  if (savings === null) return 'null'
  const { base, delta, processed, saved, savings_percent } = savings
  const percent = Number.isInteger(savings_percent) ? savings_percent.toFixed(1) : String(savings_percent)
  return `{"base":${base},"delta":${delta},"processed":${processed},"saved":${saved},"savings_percent":${percent}}`
}
