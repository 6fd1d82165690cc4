/** in-toto Statements: what a signature of this product says. */
import { z } from 'zod'
import { type Digest, hexOf, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import {
  operationPart,
  RECEIPT_PREDICATE,
  RECEIPT_VERSION,
  type Receipt,
  type ReceiptDraft,
  type ReceiptStatement,
  receiptDraftSchema,
  receiptPart,
  STATEMENT_TYPE,
  statementSchema,
} from '#shared/domain/receipt.ts'
import { canonicalBytes, canonicalText } from '../canonicalJson.ts'
import { sha256 } from '../sha256.ts'
import { IN_TOTO_TYPE, parseEnvelope, signEnvelope, verifyEnvelope } from './dsse.ts'
import type { KeyRing, PublicKey } from './keys.ts'

/** A receipt's place in its log, decided by the log. */
export interface Place {
  readonly seq: number
  readonly prev: Digest | null
  readonly group: number
  /** ISO 8601, used when the draft does not say when the operation ended. */
  readonly at: string
}

/** Completes a draft to the statement that is signed. Throws `E_BAD_INPUT` naming the field that is wrong. */
export function receiptStatement(draft: ReceiptDraft, place: Place): ReceiptStatement {
  const { observed, ...fields } = parseDraft(draft)
  const operation_id = sha256(canonicalBytes(operationPart(fields)))
  const artifacts = fields.outputs.length > 0 ? fields.outputs : fields.inputs
  const named = artifacts.length > 0 ? artifacts : [{ role: 'operation', digest: operation_id }]
  return {
    _type: STATEMENT_TYPE,
    subject: named.map(({ role, digest }) => ({ name: role, digest: { sha256: hexOf(digest) } })),
    predicateType: RECEIPT_PREDICATE,
    predicate: {
      ...fields,
      v: RECEIPT_VERSION,
      operation_id,
      seq: place.seq,
      prev: place.prev,
      observed: {
        at: observed.at ?? place.at,
        seconds: observed.seconds ?? null,
        phases: observed.phases ?? {},
        group: place.group,
      },
    },
  }
}

/** A draft with every field present. Throws `E_BAD_INPUT`. */
export function parseDraft(draft: ReceiptDraft) {
  const parsed = receiptDraftSchema.safeParse(draft)
  if (parsed.success) return parsed.data
  throw new StatePackError('E_BAD_INPUT', 'This receipt cannot be written: a field is wrong.', {
    reason: z.prettifyError(parsed.error),
  })
}

/** `receipt_id`: the statement with its place, without what was observed. */
export function receiptId(statement: ReceiptStatement): Digest {
  return sha256(canonicalBytes(receiptPart(statement)))
}

/**
 * Reads a receipt statement out of an envelope's payload. Only the canonical form is accepted: there is one way to write
 * a receipt, so nothing can be hidden in white space, order, or fields nobody reads. Throws `E_BAD_FORMAT`.
 */
export function parseReceiptStatement(payload: Uint8Array): ReceiptStatement {
  return parseCanonical(payload).statement
}

/** {@link parseReceiptStatement}, as the receipt people see. */
export function parseReceipt(payload: Uint8Array, keyid: string): Receipt {
  const { statement, text } = parseCanonical(payload)
  // The text without its one member `observed` is the canonical text of what receipt_id names: no need to write it again.
  const observed = `"observed":${canonicalText(statement.predicate.observed)},`
  return receiptOf(statement, keyid, sha256(text.replace(observed, () => '')))
}

function parseCanonical(payload: Uint8Array): { readonly statement: ReceiptStatement; readonly text: string } {
  let text: string
  let json: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload)
    json = JSON.parse(text)
  } catch (cause) {
    throw new StatePackError('E_BAD_FORMAT', 'The receipt is not JSON.', {}, cause)
  }
  const parsed = statementSchema.safeParse(json)
  if (!parsed.success) {
    throw new StatePackError('E_BAD_FORMAT', 'The receipt lacks a field or has one too many.', {
      reason: z.prettifyError(parsed.error),
    })
  }
  const statement = parsed.data
  // Compared after the schema, so that a field left to its default counts as another way of writing it.
  if (canonicalText(statement) !== text) throw new StatePackError('E_BAD_FORMAT', 'The receipt is not canonical JSON.')
  if (statement.predicate.operation_id !== sha256(canonicalBytes(operationPart(statement.predicate)))) {
    throw new StatePackError('E_BAD_FORMAT', 'The operation_id is not the digest of the operation.')
  }
  return { statement, text }
}

/** A statement as the receipt people see. */
export function receiptOf(statement: ReceiptStatement, keyid: string, receipt_id = receiptId(statement)): Receipt {
  return { ...statement.predicate, receipt_id, keyid }
}

/** Any other signed claim about an artifact, e.g. a publisher's signature over a cartridge's manifest. */
export interface Claim {
  readonly subject: { readonly name: string; readonly digest: Digest }
  readonly predicateType: string
  readonly predicate: unknown
}

/** Signs a claim as a DSSE envelope over an in-toto Statement: verification level 2 of a cartridge. */
export function signClaim({ subject, predicateType, predicate }: Claim, keys: Pick<KeyRing, 'current'>): Uint8Array {
  const statement = {
    _type: STATEMENT_TYPE,
    subject: [{ name: subject.name, digest: { sha256: hexOf(subject.digest) } }],
    predicateType,
    predicate,
  }
  return signEnvelope(IN_TOTO_TYPE, canonicalBytes(statement), keys.current)
}

const claimSchema = z.object({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(z.object({ name: z.string(), digest: z.object({ sha256: z.string() }) })).length(1),
  predicateType: z.string().min(1),
  predicate: z.unknown(),
})

/**
 * Checks a signed claim about `subject`: signature first, then that it speaks of this very digest.
 * Throws `E_BAD_SIGNATURE` or `E_BAD_FORMAT`; returns the claim and the trusted key that signed it.
 */
export async function verifyClaim(
  envelope: Uint8Array,
  { subject, trusted }: { subject: Digest; trusted: readonly PublicKey[] },
): Promise<Claim & { readonly key: PublicKey }> {
  const parsed = parseEnvelope(envelope)
  const key = await verifyEnvelope(parsed, trusted)
  if (parsed.payloadType !== IN_TOTO_TYPE) {
    throw new StatePackError('E_BAD_FORMAT', 'The signed content is not an in-toto statement.', {
      found: parsed.payloadType,
    })
  }
  let claim: z.infer<typeof claimSchema>
  try {
    claim = claimSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(parsed.payload)))
  } catch (cause) {
    throw new StatePackError('E_BAD_FORMAT', 'The signed content is not an in-toto statement.', {}, cause)
  }
  const [about] = claim.subject
  const found = parseDigest(about?.digest.sha256 ?? '')
  if (found !== subject) {
    throw new StatePackError('E_BAD_SIGNATURE', 'The signature is about another artifact.', {
      expected: subject,
      found,
    })
  }
  return {
    subject: { name: about?.name ?? '', digest: found },
    predicateType: claim.predicateType,
    predicate: claim.predicate,
    key,
  }
}
