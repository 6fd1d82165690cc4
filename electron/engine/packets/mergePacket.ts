import { tokenUse } from '#shared/domain/receipt.ts'
import { sha256 } from '../sha256.ts'
import { assemble } from './assemble.ts'
import { type Call, type PacketContext, readingProgress, receiptEnvironment } from './context.ts'
import { assertRoom, roomNotes } from './contextRoom.ts'
import type { Created } from './createPacket.ts'
import { deepestPrefix, restorePrefix } from './deepestPrefix.ts'
import { grownContents, splitDelta } from './growState.ts'
import { joinTokens } from './joinTokens.ts'
import { acceptedEdits, openState } from './openState.ts'
import { assertFreeName, publish } from './publish.ts'
import { readableText } from './readableText.ts'
import { spelledNotes } from './readingNotes.ts'
import { restorePhase, restoringOf, reuseDetails } from './reuseDetails.ts'
import { logitsDigest } from './stateLayers.ts'

export interface MergeInput {
  readonly ref: string
  readonly delta: string
  readonly name?: string | undefined
  readonly model?: string | undefined
  readonly seam?: 'exact' | 'concat'
  readonly controlTokens?: 'text' | 'control' | undefined
  /** Go on although the model was edited, when no number of the state depends on it. */
  readonly acceptEdits?: boolean | undefined
}

/**
 * Appends a text to a state: restores it (0 tokens), reads only what is new, stores the result beside the base. Creating
 * A+B and merging B into A give the same context_id. Writes at most the bytes docs/format.md bounds. Throws what
 * {@link openState} throws, `E_CONTEXT_LENGTH`, `E_CONFLICT` (the name), storage errors, `E_CANCELLED`.
 */
export async function mergePacket(context: PacketContext, input: MergeInput, call: Call = {}): Promise<Created> {
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  if (input.delta !== '') readableText(input.delta)
  if (input.name !== undefined) assertFreeName(context, input.name)
  const base = await openState(context, input.ref, {
    ...{ model: input.model, acceptEdits: input.acceptEdits, signal: call.signal },
  })
  const { model, runtime } = base.loaded
  const delta = { text: input.delta, controlTokens: input.controlTokens }
  const split = splitDelta(base, delta, input.seam ?? 'exact')
  const added = joinTokens(split.prefix, split.fold)
  const wanted = { tokens: joinTokens(base.tokens, added), dtype: base.dtype, atHand: base.tokens.length }
  const { prefix: known, miss } = await deepestPrefix(context, base.loaded, wanted)
  const prefix = known !== null && known.tokens > base.tokens.length && base.origin.kind === 'tokens' ? known : null
  assertRoom(base.loaded, { read: base.tokens.length, more: split.prefix.length + split.fold.length })
  using session = prefix === null ? await runtime.restore(base.snapshot) : await restorePrefix(base.loaded, prefix)
  const began = performance.now()
  const toRead = added.subarray(session.position - base.snapshot.position)
  const logits =
    toRead.length === 0
      ? (prefix ?? base).logits
      : await session.append(toRead, { logits: 'last', signal: call.signal, onProgress: readingProgress(call) })
  const secondsReading = (performance.now() - began) / 1000
  call.progress?.({ phase: 'writing' })
  const assembled = await assemble({
    ...grownContents(base, {
      op: 'merge',
      delta,
      seam: input.seam ?? 'exact',
      split,
      flush: false,
      generated: new Int32Array(0),
    }),
    snapshot: await session.capture(),
    logits,
    ...(prefix === null ? {} : { sharedBlocks: prefix.sharedBlocks, rounded: prefix.rounded }),
  })
  const published = await publish(context, {
    assembled,
    call,
    trust: 'own',
    name: input.name,
    operation: ({ packetId, blobSha256 }) => ({
      receipt: {
        op: 'merge',
        inputs: [
          ...(base.packet === null ? [] : [{ role: 'packet', digest: base.packet.packetId }]),
          { role: 'delta', digest: sha256(input.delta) },
        ],
        outputs: [
          { role: 'packet', digest: packetId },
          { role: 'context', digest: assembled.contextId },
        ],
        packet_id: packetId,
        context_id: assembled.contextId,
        delta_sha256: sha256(input.delta),
        blob_sha256: blobSha256,
        bytes: new TextEncoder().encode(input.delta).byteLength,
        tokens: tokenUse({ base: base.tokens.length, delta: added.length, processed: session.processed }),
        model: { ...model.fingerprint },
        environment: receiptEnvironment(runtime.environment),
        generation: {
          token_count: 0,
          token_ids_sha256: sha256(''),
          logits_sha256: logits === null ? null : logitsDigest(logits),
          trace_sha256: null,
        },
        details: { seam: input.seam ?? 'exact', ...reuseDetails({ prefix, miss }), ...acceptedEdits(base) },
        observed: { seconds: seconds(), phases: { ...restorePhase({ prefix }), read: secondsReading } },
      },
      reading: {
        model: model.fingerprint.name,
        device: runtime.environment.provider,
        tokens: session.processed,
        seconds: secondsReading,
      },
      restoring: restoringOf(base.loaded, { prefix }),
    }),
  })
  const notes = [
    ...spelledNotes(split.read.spelled, 'text'),
    ...roomNotes(base.loaded, base.tokens.length + added.length),
  ]
  return {
    ...published,
    ...{ tokensProcessed: session.processed, seconds: seconds(), secondsReading, prefix, miss, notes },
  }
}
