import type { Recipe } from '#shared/domain/cartridge.ts'
import { type Digest, isDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import type { Output } from '#shared/rpc/client.ts'
import { sha256 } from '../sha256.ts'
import { readingOf, type SourceText } from './composeText.ts'
import type { Call, PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { createPacket } from './createPacket.ts'
import { inferPacket } from './inferPacket.ts'
import { mergePacket } from './mergePacket.ts'
import { readDocuments, readPacket } from './packet.ts'
import { verifyPacket } from './verifyPacket.ts'

/**
 * Runs the operation of a receipt again on the same inputs: the operation_id must come out the same. Texts are taken from
 * the cartridges that carry them. Throws `E_NOT_FOUND` when an input is no longer in the library, `E_NOT_SUPPORTED` for an
 * operation that reads a file or a person's decision.
 */
export async function replayReceipt(
  context: PacketContext,
  id: string,
  call: Call,
): Promise<Output<'receipts.replay'>> {
  const receipt = await context.receipts.get(id)
  const again = await context.receipts.get((await runAgain(context, receipt, call)).receipt_id)
  const fields = ['op', 'ok', 'error', 'inputs', 'outputs', 'model', 'environment', 'sampling', 'generation'] as const
  return {
    same: receipt.operation_id === again.operation_id,
    operationId: receipt.operation_id,
    replayedOperationId: again.operation_id,
    differences: fields.filter(field => JSON.stringify(receipt[field]) !== JSON.stringify(again[field])),
  }
}

async function runAgain(context: PacketContext, receipt: Receipt, call: Call): Promise<{ receipt_id: string }> {
  const base = receipt.inputs.find(input => input.role === 'packet')?.digest
  if (receipt.op === 'verify' && base !== undefined) {
    const level = receipt.details.level === 'recomputed' ? 'recomputed' : 'intact'
    return (await verifyPacket(context, { ref: base, level }, call)).receipt
  }
  const result = receipt.outputs.find(output => output.role === 'packet')?.digest
  if (result === undefined || !['create', 'merge', 'infer'].includes(receipt.op)) {
    throw new StatePackError('E_NOT_SUPPORTED', `A receipt of "${receipt.op}" cannot be run again.`, { op: receipt.op })
  }
  const made = await readPacket(context.blobs, result)
  const { sources, recipe } = await readDocuments(context.blobs, made)
  const { id: model } = await context.models.forFingerprint(made.config.model, sameModel)
  const seam = receipt.details.seam === 'concat' ? 'concat' : 'exact'
  const { first_tokens: firstTokens } = receipt.details
  if (receipt.op === 'create') {
    const fresh = await createPacket(
      context,
      {
        ...{ model, sources: readAtOnce(sources), dtype: made.config.cache.dtype, ...readingOf(recipe), seam },
        firstTokens: typeof firstTokens === 'number' ? firstTokens : undefined,
        // What found its context stored then has to find it again; what read the text reads it.
        again: receipt.details.cache_hit !== true,
        from: prefixOf(receipt),
      },
      call,
    )
    return fresh.receipt
  }
  const deltaDigest = receipt.inputs.find(input => input.role === 'delta')?.digest
  const delta = deltaDigest === sha256('') ? '' : sources.find(source => source.digest === deltaDigest)?.text
  if (base === undefined || delta === undefined || !isDigest(base)) {
    throw new StatePackError('E_NOT_FOUND', 'The inputs of this receipt are no longer in the library.', {
      id: receipt.receipt_id,
    })
  }
  const controlTokens = recipe.steps.findLast(step => step.do === 'read')?.controlTokens
  if (receipt.op === 'merge')
    return (await mergePacket(context, { ref: base, delta, seam, controlTokens }, call)).receipt
  if (receipt.sampling?.json_schema_sha256 !== undefined)
    throw new StatePackError(
      'E_NOT_SUPPORTED',
      'This answer followed a schema, which its receipt names and does not hold.',
    )
  if (recipe.tools !== undefined)
    throw new StatePackError('E_NOT_SUPPORTED', 'An answer of a conversation that has tools cannot be run again.')
  const stop = receipt.details.stop
  const sampling = receipt.sampling ?? {}
  const number = (key: string, fallback: number) => (typeof sampling[key] === 'number' ? sampling[key] : fallback)
  const inferred = await inferPacket(
    context,
    {
      ref: base,
      ...(receipt.details.chat === true ? { chat: true, delta: saidIn(recipe, delta) } : { delta, controlTokens }),
      seam,
      stop: typeof stop === 'string' ? JSON.parse(stop) : [],
      maxNewTokens: number('max_new_tokens', 32),
      sampling: {
        temperature: number('temperature', 0),
        topK: number('top_k', 0),
        topP: number('top_p', 1),
        seed: number('seed', 0),
        repetitionPenalty: number('repetition_penalty', 1),
      },
      keepOutput: receipt.details.keep_output === true,
      trace: receipt.generation?.trace_sha256 != null,
    },
    call,
  )
  return inferred.receipt
}

/** What the user said in the last turn that a recipe reads. */
function saidIn({ steps }: Recipe, turn: string): string {
  const read = steps.findLast(step => step.do === 'read')
  return Buffer.from(turn)
    .subarray(...(read?.said?.slice(-2) ?? []))
    .toString()
}

/** The texts as a creation had them: its context may have been stored first by merging them, without a gap. */
function readAtOnce(sources: Awaited<ReturnType<typeof readDocuments>>['sources']): SourceText[] {
  const texts: { name: string; text: string }[] = []
  for (const { name, text, appended } of sources) {
    const before = texts.at(-1)
    if (appended && before !== undefined) before.text += text
    else texts.push({ name, text })
  }
  return texts
}

/** The known state that a creation went on from. */
function prefixOf({ details }: Receipt): { packetId: Digest; tokens: number } | undefined {
  const { prefix_packet_id: packetId, prefix_tokens: tokens } = details
  return isDigest(packetId) && typeof tokens === 'number' ? { packetId, tokens } : undefined
}
