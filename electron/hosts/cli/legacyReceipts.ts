import { z } from 'zod'
import { legacyReceiptId } from '#engine/receipts/legacy.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { parseJson, readTextFile, wrongShape } from './readInput.ts'

const savingsSchema = z.strictObject({
  base: z.number(),
  delta: z.number(),
  processed: z.number(),
  saved: z.number(),
  savings_percent: z.number(),
})

const receiptSchema = z.strictObject({
  receipt_id: z.string(),
  op: z.string(),
  ok: z.boolean(),
  packet_id: z.string().nullable(),
  base_sha256: z.string().nullable(),
  blob_sha256: z.string().nullable(),
  delta_sha256: z.string().nullable(),
  bytes: z.number().nullable(),
  /** Earlier builds did not have it: its absence is part of what is hashed. */
  bytes_saved: savingsSchema.nullable().optional(),
  tokens: savingsSchema.nullable(),
})

/**
 * Receipts that State Pack v0.1 printed, one or a line each: every receipt_id is the digest of its receipt. They are not
 * signed, so this says that they are whole, not who made them. Throws `E_BAD_JSON`, `E_BAD_FORMAT`, `E_CORRUPT`.
 */
export async function verifyLegacyReceipts(path: string) {
  const text = await readTextFile(path)
  const values = isOneValue(text) ? [text] : text.split('\n').filter(line => line.trim() !== '')
  const receipts = values.map((value, index) => {
    const where = values.length === 1 ? path : `${path}, receipt ${index + 1}`
    const parsed = receiptSchema.safeParse(parseJson(value, where))
    if (!parsed.success) throw wrongShape('E_BAD_FORMAT', `${where} is not a receipt of State Pack v0.1`, parsed.error)
    const { receipt_id: found, ...receipt } = parsed.data
    const expected = legacyReceiptId(receipt)
    if (expected !== found) {
      throw new StatePackError('E_CORRUPT', `${where} was changed: its receipt_id is another one.`, { expected, found })
    }
    return { receipt_id: found, op: receipt.op, ok: receipt.ok, packet_id: receipt.packet_id }
  })
  return { ok: true, count: receipts.length, signed: false, receipts }
}

function isOneValue(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
