import { z } from 'zod'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import type { AppendOptions } from '../inference/appendOptions.ts'
import { type TokenTrace, traceToken } from '../inference/logits.ts'
import type { Session } from '../inference/session.ts'
import { readManifest } from '../store/manifests.ts'
import { parseStrictJson } from '../store/strictJson.ts'
import { tokenizerOf } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { installedModel } from './inspectPacket.ts'
import { readPacket } from './packet.ts'
import { attach, TRACE_TYPE } from './referrer.ts'

export const TRACE_TOP_K = 8

const stepSchema = z.strictObject({
  id: z.number().int(),
  /** `-log2 p` of the token that came; null for the very first token of a context, which nothing predicts. */
  surprisal_bits: z.number().nullable(),
  ids: z.array(z.number().int()),
  log_probs: z.array(z.number()),
})
const traceSchema = z.strictObject({ v: z.literal(1), read: z.array(stepSchema), generated: z.array(stepSchema) })
type Step = z.infer<typeof stepSchema>

/** Reads tokens and notes, for each, what the model expected in its place. Returns the logits after the last one. */
export async function readTraced(
  session: Session,
  tokens: Int32Array,
  { before, ...options }: AppendOptions & { before: Float32Array | null },
): Promise<{ logits: Float32Array; steps: Step[] }> {
  const all = await session.append(tokens, { ...options, logits: 'all' })
  const vocab = session.vocabSize
  const steps = [...tokens].map((id, index) => {
    const row = index === 0 ? before : all.subarray((index - 1) * vocab, index * vocab)
    return row === null
      ? { id, surprisal_bits: null, ids: [], log_probs: [] }
      : step(id, traceToken(row, id, TRACE_TOP_K))
  })
  return { logits: all.slice((tokens.length - 1) * vocab), steps }
}

/** The generated part; `traces` may have one more than `ids`, for the token that ended the answer. */
export function generatedSteps(ids: Int32Array, traces: readonly TokenTrace[]): Step[] {
  return [...ids].flatMap((id, index) => {
    const trace = traces[index]
    return trace === undefined ? [] : [step(id, trace)]
  })
}

/** RFC 8785 bytes of a trace: its digest stands in the receipt. */
export function traceBytes(read: readonly Step[], generated: readonly Step[]): Uint8Array {
  return canonicalBytes({ v: 1, read, generated })
}

/** A trace from its bytes. Throws `E_BAD_FORMAT`, `E_BAD_JSON`. */
export function parseTrace(bytes: Uint8Array): z.infer<typeof traceSchema> {
  const parsed = traceSchema.safeParse(parseStrictJson(bytes))
  if (!parsed.success) throw new StatePackError('E_BAD_FORMAT', 'This is not a logits trace.', {}, parsed.error)
  return parsed.data
}

/** Stores a trace beside the cartridge it ended in. */
export async function storeTrace(context: PacketContext, packetId: Digest, bytes: Uint8Array): Promise<void> {
  await attach(context.store, { subject: packetId, artifactType: TRACE_TYPE, bytes })
}

/**
 * The trace recorded with a receipt, with its texts. `E_NOT_FOUND` when none was recorded or it is no longer here. The bits of
 * the read part are the information content of the delta: what entropy pricing would charge for.
 */
export async function readTrace(context: PacketContext, receiptId: string): Promise<Output<'receipts.trace'>> {
  const receipt = await context.receipts.get(receiptId)
  const wanted = receipt.generation?.trace_sha256
  const packetId = receipt.outputs.find(output => output.role === 'packet')?.digest
  const bytes = wanted == null || packetId === undefined ? null : await findTrace(context, packetId, wanted)
  if (bytes === null || packetId === undefined) {
    throw new StatePackError(
      'E_NOT_FOUND',
      'No logits trace was recorded with this receipt, or it is no longer stored.',
      { receiptId },
    )
  }
  const trace = parseTrace(bytes)
  const model = await installedModel(context, await readPacket(context.blobs, packetId))
  const text = (id: number) => (model === null ? '' : tokenizerOf(model).decode([id]))
  const view = (steps: readonly Step[]) =>
    steps.map(({ id, surprisal_bits, ids, log_probs }) => ({
      id,
      text: text(id),
      surprisalBits: surprisal_bits,
      probability: surprisal_bits === null ? null : 2 ** -surprisal_bits,
      top: ids.map((candidate, index) => ({
        id: candidate,
        text: text(candidate),
        probability: Math.exp(log_probs[index] ?? Number.NEGATIVE_INFINITY),
      })),
    }))
  const bits = (steps: readonly Step[]) => steps.reduce((sum, { surprisal_bits }) => sum + (surprisal_bits ?? 0), 0)
  return {
    read: view(trace.read),
    generated: view(trace.generated),
    readBits: bits(trace.read),
    generatedBits: bits(trace.generated),
  }
}

async function findTrace({ store }: PacketContext, packetId: Digest, wanted: string): Promise<Uint8Array | null> {
  for (const { digest } of store.library.referrers.list({ subject: packetId, artifactType: TRACE_TYPE })) {
    const manifest = await readManifest(store.blobs, digest)
    const [layer] = manifest.layers
    if (layer?.digest === `sha256:${wanted}`) return store.blobs.read(layer)
  }
  return null
}

function step(id: number, { ids, logProbs, surprisalBits }: TokenTrace): Step {
  return { id, surprisal_bits: surprisalBits, ids: [...ids], log_probs: [...logProbs] }
}
