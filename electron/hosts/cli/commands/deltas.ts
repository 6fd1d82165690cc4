import { type Command, Option } from 'commander'
import { legacyHash, legacyTokenTrace } from '#engine/receipts/legacy.ts'
import { sha256 } from '#engine/sha256.ts'
import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { foreignDelta, gpt2Tokens, mergeForeign } from '../foreignPacket.ts'
import { decimal, integer, texts } from '../parseOption.ts'
import { pointerOf, writePointer } from '../pointerFile.ts'
import { type DeltaOptions, readDelta, withDelta } from '../readDelta.ts'
import { readTextFile } from '../readInput.ts'
import { type ControlTokens, controlTokensOption, seamOption } from '../readingOptions.ts'
import { pointerNamed, REFERENCE, type Resolved } from '../references.ts'
import { finish, type GlobalOptions, print, type Session, withEngine } from '../run.ts'
import { baseSha256, type ManifestOptions, withManifest } from '../withManifest.ts'
import { assertReplaceable, writeOutput } from '../writeOutput.ts'

const ACCEPT_EDITS =
  'go on although the model’s chat template or settings were edited: weights and token ids are the same'

/** delta, infer, tokenize, merge: what continues a state, with State Pack's own flags. */
export function addDeltaCommands(program: Command): void {
  program
    .command('delta')
    .description('bind a text to the state it continues')
    .requiredOption('--manifest <ref>', REFERENCE)
    .requiredOption('--delta <file>', 'text file, - for standard input')
    .option('--out <file>', 'write the delta packet here')
    .action(delta)

  program
    .command('infer')
    .description('answer a delta from a stored state')
    .requiredOption('--delta <file>', 'delta packet, or text with --manifest; - for standard input')
    .option('--manifest <ref>', `${REFERENCE}; of a collection, the one that the text is about`)
    .option('--base-hash <hash>', 'the same, as State Pack calls it')
    .addOption(foreignBase())
    .option('--empty', 'from the empty state, which has read nothing')
    .option('--chat', 'the delta is what the user says: the next turn, in the model’s chat template')
    .option('--system <text>', 'system prompt of a chat that begins here (with --empty)')
    .option('--stop <text>', 'end the answer at this text; may be given several times', texts)
    .option('--max-new-tokens <n>', 'tokens to generate at most', integer, 32)
    .option('--temperature <t>', '0 is greedy', decimal, 0)
    .option('--top-k <n>', '0 keeps all', integer, 0)
    .option('--top-p <p>', '1 keeps all', decimal, 1)
    .option('--repetition-penalty <p>', 'above 1: tokens that occurred become less likely', decimal, 1)
    .option('--seed <n>', 'seed of the sampler', integer, 0)
    .option('--keep-output', 'append the generated tokens to the new state')
    .option('--trace', 'record a logits trace')
    .option('--accept-edits', ACCEPT_EDITS)
    .addOption(
      new Option('--persist <where>', 'keep the new state, or only answer')
        .choices(['durable', 'memory'])
        .default('durable'),
    )
    .addOption(controlTokensOption())
    .addOption(seamOption())
    .action(infer)

  program
    .command('tokenize')
    .description('token ids of a text')
    .requiredOption('--delta <file>', 'text file or delta packet, - for standard input')
    .action(tokenize)

  program
    .command('merge')
    .description('append a text to a state')
    .requiredOption('--delta <file>', 'delta packet or text; - for standard input')
    .option('--manifest <ref>', REFERENCE)
    .option('--base-hash <hash>', 'the same, as State Pack calls it')
    .addOption(foreignBase())
    .option('--name <name>', 'what to call the result')
    .option('--accept-edits', ACCEPT_EDITS)
    .addOption(controlTokensOption())
    .option('--out <folder>', 'where the pointer file of the result goes')
    .option(
      '--blob <file>',
      'for a State Pack v0.1 packet: the opaque cache of the result, bound by digest, never loaded',
    )
    .addOption(seamOption())
    .action(merge)
}

function foreignBase(): Option {
  return new Option('--base <file>', 'the text of a State Pack v0.1 packet, to read its state from')
}

async function delta(options: ManifestOptions & { delta: string; out?: string }): Promise<void> {
  const { out } = options
  const write = async (packet: object) => {
    if (out !== undefined) await writeOutput(out, `${JSON.stringify(packet, null, 2)}\n`, isDeltaPacket)
  }
  await finish(async () => {
    if (out !== undefined) await assertReplaceable(out, isDeltaPacket)
    await withManifest(
      options,
      async (session, found) => {
        const text = await readTextFile(options.delta)
        const { packet, tokens, receipt } = await session.client.call(
          'packets.delta',
          { ref: found.packetId, delta: text },
          session.call,
        )
        await write(packet)
        return { ...receipt, ...packet, base_sha256: baseSha256(found), delta_tokens: tokens }
      },
      async foreign => {
        const { delta: packet, receipt } = await foreignDelta(foreign, options.delta)
        await write(packet)
        return { ...receipt, ...packet }
      },
    )
  })
}

interface InferOptions extends DeltaOptions {
  readonly empty?: boolean
  readonly acceptEdits?: boolean
  readonly chat?: boolean
  readonly system?: string
  readonly stop?: string[]
  readonly repetitionPenalty: number
  readonly controlTokens?: ControlTokens
  readonly maxNewTokens: number
  readonly temperature: number
  readonly topK: number
  readonly topP: number
  readonly seed: number
  readonly keepOutput?: boolean
  readonly trace?: boolean
  readonly persist: 'durable' | 'memory'
  readonly seam: 'exact' | 'concat'
}

async function infer(options: InferOptions): Promise<void> {
  if (options.empty !== true)
    return withDelta({ ...options, routes: true }, (session, { found, delta }) =>
      inferFrom(session, options, { found, delta }),
    )
  await finish(async () => {
    if (options.manifest !== undefined || options.baseHash !== undefined)
      throw new StatePackError('E_USAGE', 'Name a state or start from the empty one, not both.')
    const delta = await readTextFile(options.delta)
    await withEngine({ ...options, makesStore: true }, session => inferFrom(session, options, { found: null, delta }))
  })
}

async function inferFrom(
  { client, model, modelOrDefault, call }: Session,
  options: InferOptions,
  { found, delta }: { found: Resolved | null; delta: string },
): Promise<unknown> {
  const { temperature, topK, topP, seed, repetitionPenalty, chat = false, system, stop = [] } = options
  if (system !== undefined && (!chat || found !== null))
    throw new StatePackError('E_USAGE', '--system begins a chat: give it with --chat --empty, or to create.')
  const { receipt, ...result } = await client.call(
    'packets.infer',
    {
      ...(found === null ? { model: modelOrDefault } : { ref: found.packetId, model }),
      ...{ delta: chat ? delta.trim() : delta, chat, system, stop },
      controlTokens: options.controlTokens,
      acceptEdits: options.acceptEdits ?? false,
      maxNewTokens: options.maxNewTokens,
      sampling: { temperature, topK, topP, seed, repetitionPenalty },
      keepOutput: options.keepOutput ?? false,
      trace: options.trace ?? false,
      persist: options.persist,
      seam: options.seam,
    },
    call,
  )
  if (result.finishReason === 'context' && options.quiet !== true)
    process.stderr.write('The answer ends here: the model’s context is full.\n')
  return {
    ...receipt,
    base_sha256: found === null ? null : baseSha256(found),
    ...(chat ? { turn: result.delta } : {}),
    blob_sha256: found?.blobSha256 ?? null,
    output: result.output,
    output_token_ids: result.outputTokenIds,
    finish_reason: result.finishReason,
    new_context_id: result.newContextId,
    new_packet_id: result.newPacketId,
    new_state_hash: result.newContextId,
    token_counts: result.tokens,
    phases: result.seconds,
  }
}

async function tokenize(options: GlobalOptions & { delta: string }): Promise<void> {
  await finish(async () => {
    const { text, model: named, foreign } = await readDelta(options.delta, true)
    const delta_sha256 = hexOf(sha256(text))
    if (foreign !== undefined && options.model === undefined) {
      const ids = await gpt2Tokens(text)
      const trace = { token_count: ids.length, token_ids: ids, token_trace_sha256: legacyTokenTrace(ids) }
      return print({ model: 'gpt2', delta_sha256, ...trace })
    }
    await withEngine({ ...options, makesStore: true }, async ({ client, model: chosen, modelOrDefault, call }) => {
      const model = chosen ?? named ?? modelOrDefault
      const { tokens, count, tokenTrace, pieces } = await client.call('packets.tokenize', { model, text }, call)
      return { model, delta_sha256, token_count: count, token_ids: tokens, token_trace_sha256: tokenTrace, pieces }
    })
  })
}

interface MergeOptions extends DeltaOptions {
  readonly acceptEdits?: boolean
  readonly name?: string
  readonly controlTokens?: ControlTokens
  readonly blob?: string
  readonly out?: string
  readonly seam: 'exact' | 'concat'
}

async function merge(options: MergeOptions): Promise<void> {
  const { blob, manifest, out } = options
  if (blob !== undefined) return finish(() => mergeBlob({ ...options, blob }))
  // State Pack's `--out` is the store its pointers lie in, and the parent's here.
  const parentStore = manifest === undefined ? out : undefined
  await withDelta({ ...options, store: options.store ?? parentStore }, async ({ client, call }, { found, delta }) => {
    const { receipt, cartridge, ...rest } = await client.call(
      'packets.merge',
      {
        ref: found.packetId,
        ...{ delta, name: options.name, controlTokens: options.controlTokens, seam: options.seam },
        acceptEdits: options.acceptEdits ?? false,
      },
      call,
    )
    const parent = baseSha256(found)
    const merged = await client.call('packets.resolve', { ref: cartridge.packetId }, call)
    const pointer = out === undefined ? null : await writePointer(out, pointerOf(merged, merged.texts.at(-1)))
    return {
      ...receipt,
      base_sha256: parent,
      new_packet_id: cartridge.packetId,
      new_context_id: cartridge.contextId,
      new_state_hash: cartridge.contextId,
      legacy_hash: parent === null ? null : legacyHash(parent, delta),
      cache_hit: rest.cacheHit,
      tokens_processed: rest.tokensProcessed,
      tokens_reused: rest.reused?.tokens ?? 0,
      reused_packet_id: rest.reused?.packetId ?? null,
      bytes_written: rest.bytesWritten,
      compacted: rest.compacted,
      notes: rest.notes,
      manifest: pointer,
    }
  })
}

/** For State Pack's own packets: nothing is read, a cache made elsewhere is bound to parent and delta. */
async function mergeBlob(options: MergeOptions & { blob: string }): Promise<void> {
  const { blob, manifest, out = 'packets' } = options
  const pointer = manifest === undefined ? null : await pointerNamed(manifest, options)
  if (pointer === null || pointer.context_id !== undefined)
    throw new StatePackError('E_USAGE', '--blob goes with --manifest and the pointer file of a State Pack v0.1 packet.')
  const delta = await readDelta(options.delta, true)
  if (delta.packetId !== undefined && delta.packetId !== pointer.packet_id) {
    throw new StatePackError('E_CONFLICT', 'The delta packet continues another state than the one named.', {
      ...{ expected: delta.packetId, found: pointer.packet_id },
    })
  }
  print(await mergeForeign(pointer, delta, { blob, folder: out }))
}

const isDeltaPacket = (beginning: Buffer) => /^\s*\{\s*"version": *"state-delta-/.test(beginning.toString('latin1'))
