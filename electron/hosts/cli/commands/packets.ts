import { mkdir, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { LEGACY_PACKET_VERSION, legacyHash, legacyPacketId } from '#engine/receipts/legacy.ts'
import { sha256 } from '#engine/sha256.ts'
import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { deltaPacketSchema } from '#shared/rpc/methods/packets.ts'
import { resolveManifest, verifyForeign, writePointer } from '../pointerFile.ts'
import { parseJson, readBytes, readTextFile } from '../readInput.ts'
import { resolveModel } from '../resolveModel.ts'
import { finish, type GlobalOptions, print, runCommand, type Session } from '../run.ts'

const DEFAULT_MODEL = 'starter-transformer'

/** create, verify, delta, infer, tokenize, merge, compact, resolve, export, import: with State Pack's own flags. */
export function addPacketCommands(program: Command): void {
  program
    .command('create')
    .description('read a text and store the state')
    .requiredOption('--base <file>', 'text file, - for standard input')
    .option('--out <folder>', 'the store to write to, and where the pointer file goes')
    .option('--name <name>', 'what to call it')
    .option('--dtype <dtype>', 'float32, float16, int8 or float8_e4m3')
    .option('--system <text>', 'system prompt to put before the text')
    .option('--template', 'render the text through the model’s chat template')
    .option('--first-tokens <n>', 'keep only the first n tokens', integer)
    .option('--blob <file>', 'an opaque cache of another program: bound by digest, never loaded')
    .addOption(seamOption())
    .action((options: CreateOptions) =>
      options.blob === undefined
        ? create(options)
        : finish(() => createForeign({ ...options, blob: options.blob ?? '' })),
    )

  program
    .command('verify')
    .description('check a cartridge')
    .requiredOption('--manifest <ref>', 'pointer file, packet_id, context_id or name')
    .addOption(new Option('--level <level>').choices(['intact', 'signed', 'recomputed']).default('intact'))
    .option('--sample <n>', 'replay only n random blocks', integer)
    .action(async (options: GlobalOptions & { manifest: string; level: 'intact'; sample?: number }) => {
      await withManifest(options, async ({ client, call }, ref) => {
        const result = await client.call('packets.verify', { ref, level: options.level, sample: options.sample }, call)
        const { receipt, ...rest } = result
        return { ...receipt, ...rest }
      })
    })

  program
    .command('delta')
    .description('bind a text to the state it continues')
    .requiredOption('--manifest <ref>', 'pointer file, packet_id, context_id or name')
    .requiredOption('--delta <file>', 'text file, - for standard input')
    .option('--out <file>', 'write the delta packet here')
    .action(async (options: GlobalOptions & { manifest: string; delta: string; out?: string }) => {
      await withManifest(options, async ({ client, call }, ref) => {
        const delta = await readTextFile(options.delta)
        const { packet, tokens, receipt } = await client.call('packets.delta', { ref, delta }, call)
        if (options.out !== undefined) await writeFile(options.out, `${JSON.stringify(packet, null, 2)}\n`)
        return { ...receipt, ...packet, delta_tokens: tokens }
      })
    })

  program
    .command('infer')
    .description('answer a delta from a stored state')
    .requiredOption('--delta <file>', 'delta packet, or text with --manifest; - for standard input')
    .option('--manifest <ref>', 'pointer file, packet_id, context_id or name')
    .option('--base-hash <hash>', 'the same, as State Pack calls it')
    .option('--max-new-tokens <n>', 'tokens to generate at most', integer, 32)
    .option('--temperature <t>', '0 is greedy', Number, 0)
    .option('--top-k <n>', '0 keeps all', integer, 0)
    .option('--top-p <p>', '1 keeps all', Number, 1)
    .option('--seed <n>', 'seed of the sampler', integer, 0)
    .option('--keep-output', 'append the generated tokens to the new state')
    .option('--trace', 'record a logits trace')
    .addOption(new Option('--persist <where>').choices(['durable', 'memory']).default('durable'))
    .addOption(seamOption())
    .action(infer)

  program
    .command('tokenize')
    .description('token ids of a text')
    .requiredOption('--delta <file>', 'text file, - for standard input')
    .action(async (options: GlobalOptions & { delta: string }) => {
      await runCommand(options, async ({ client, engine, call }) => {
        const model = resolveModel(engine, options.model ?? DEFAULT_MODEL)
        const { tokens, count, tokenTrace, pieces } = await client.call(
          'packets.tokenize',
          { model, text: await readTextFile(options.delta) },
          call,
        )
        return { model, delta_tokens: count, token_ids: tokens, token_trace_sha256: tokenTrace, pieces }
      })
    })

  program
    .command('merge')
    .description('append a text to a state')
    .requiredOption('--delta <file>', 'delta packet or text; - for standard input')
    .option('--manifest <ref>', 'pointer file, packet_id, context_id or name')
    .option('--base-hash <hash>', 'the same, as State Pack calls it')
    .option('--name <name>', 'what to call the result')
    .addOption(seamOption())
    .action(async (options: GlobalOptions & DeltaOptions & { name?: string; seam: 'exact' }) => {
      await withDelta(options, async ({ client, call }, { ref, delta }) => {
        const { receipt, cartridge, ...rest } = await client.call(
          'packets.merge',
          { ref, delta, name: options.name, seam: options.seam },
          call,
        )
        const parent = await client.call('packets.resolve', { ref }, call)
        return {
          ...receipt,
          ...rest,
          new_packet_id: cartridge.packetId,
          new_context_id: cartridge.contextId,
          new_state_hash: cartridge.contextId,
          legacy_hash: parent.baseSha256 === null ? null : legacyHash(parent.baseSha256, delta),
        }
      })
    })

  program
    .command('compact')
    .description('fold a chain of merges into one exact state')
    .argument('<ref>', 'pointer file, packet_id, context_id or name')
    .option('--drop <n...>', 'texts of the chain to leave out, from 0')
    .option('--name <name>', 'what to call the result')
    .action(async (ref: string, options: GlobalOptions & { drop?: string[]; name?: string }) => {
      await withManifest({ ...options, manifest: ref }, async ({ client, call }, resolved) => {
        const dropSteps = (options.drop ?? []).map(integer)
        const { created, stepsFolded, bytesFreed, dropped } = await client.call(
          'packets.compact',
          { ref: resolved, dropSteps, name: options.name },
          call,
        )
        const { packetId, contextId } = created.cartridge
        return {
          ...created.receipt,
          new_packet_id: packetId,
          new_context_id: contextId,
          steps_folded: stepsFolded,
          bytes_freed: bytesFreed,
          dropped,
        }
      })
    })

  program
    .command('remix')
    .description('mix recurrent states, or read several cartridges’ texts again in this order')
    .argument('<refs...>', 'cartridges; for a mix each may end with =weight')
    .option('--compose', 'read the texts again instead of mixing')
    .option('--name <name>', 'what to call the result')
    .action(async (refs: string[], options: GlobalOptions & { compose?: boolean; name?: string }) => {
      await runCommand(options, async ({ client, call }) => {
        const { name } = options
        const result =
          options.compose === true
            ? await client.call('remix.compose', { refs, name }, call)
            : await client.call('remix.mix', { parents: refs.map(weighted), name }, call)
        return {
          ...result.receipt,
          new_packet_id: result.cartridge.packetId,
          new_context_id: result.cartridge.contextId,
          name: result.cartridge.name,
        }
      })
    })

  program
    .command('resolve')
    .description('find a cartridge')
    .requiredOption('--base-hash <hash>', 'SHA-256 of its text, packet_id, context_id or name')
    .action(async (options: GlobalOptions & { baseHash: string }) => {
      await runCommand(options, async ({ client, call }) => {
        const { packetId, contextId, baseSha256, cartridge } = await client.call(
          'packets.resolve',
          { ref: options.baseHash },
          call,
        )
        return {
          packet_id: packetId,
          context_id: contextId,
          base_sha256: baseSha256,
          name: cartridge.name,
          tokens: cartridge.tokens,
          bytes: cartridge.bytes,
        }
      })
    })

  program
    .command('export')
    .description('write one canonical .cartridge file')
    .argument('<ref>', 'pointer file, packet_id, context_id or name')
    .option('--out <file>', 'where to write it')
    .action(async (ref: string, options: GlobalOptions & { out?: string }) => {
      await withManifest({ ...options, manifest: ref }, async ({ client, call }, resolved) => {
        const { fileName, bytes, receipt } = await client.call('packets.export', { ref: resolved }, call)
        const path = options.out ?? fileName
        await writeFile(path, bytes)
        return { ...receipt, file: path, file_bytes: bytes.byteLength }
      })
    })

  program
    .command('import')
    .description('take in a .cartridge file')
    .argument('<file>')
    .option('--trust', 'allow it to be run at once')
    .option('--name <name>', 'what to call it')
    .option('--review', 'only look: write nothing')
    .action(async (file: string, options: GlobalOptions & { trust?: boolean; name?: string; review?: boolean }) => {
      await runCommand(options, async ({ client, call }) => {
        const bytes = new Uint8Array(await readBytes(file, 4 * 1024 ** 3))
        if (options.review === true) return client.call('packets.review', { bytes }, call)
        const { cartridge, duplicate, receipt } = await client.call(
          'packets.import',
          { bytes, trust: options.trust ?? false, name: options.name },
          call,
        )
        return { ...receipt, name: cartridge.name, trust: cartridge.trust, duplicate }
      })
    })
}

interface CreateOptions extends GlobalOptions {
  readonly base: string
  readonly out?: string
  readonly name?: string
  readonly dtype?: 'float32'
  readonly system?: string
  readonly template?: boolean
  readonly firstTokens?: number
  readonly blob?: string
  readonly seam: 'exact' | 'concat'
}

async function create(options: CreateOptions): Promise<void> {
  await runCommand({ ...options, store: options.out ?? options.store }, async ({ client, engine, call }) => {
    const text = await readTextFile(options.base)
    const model = resolveModel(engine, options.model ?? DEFAULT_MODEL)
    const name = options.base === '-' ? 'text' : basename(options.base)
    const { receipt, cartridge, ...rest } = await client.call(
      'packets.create',
      {
        model,
        sources: [{ name, text }],
        name: options.name,
        dtype: options.dtype,
        systemPrompt: options.system,
        template: options.template ?? false,
        firstTokens: options.firstTokens,
        seam: options.seam,
      },
      call,
    )
    const pointer = {
      version: LEGACY_PACKET_VERSION,
      model,
      base_sha256: receipt.base_sha256 ?? hexOf(sha256(text)),
      base_bytes: new TextEncoder().encode(text).byteLength,
      base_tokens: cartridge.tokens,
      base_file: options.base === '-' ? null : basename(options.base),
      blob_sha256: receipt.blob_sha256 ?? '',
      blob_bytes: receipt.bytes ?? 0,
      blob_file: null,
      packet_id: cartridge.packetId,
      context_id: cartridge.contextId,
    }
    const manifest = options.out === undefined ? null : await writePointer(options.out, pointer)
    return { ...receipt, ...pointer, name: cartridge.name, manifest, ...rest }
  })
}

/** State Pack's own create with a cache of another program: bound by digest, never loaded. */
async function createForeign(options: CreateOptions & { blob: string }): Promise<void> {
  const base = await readBytes(options.base)
  const blob = await readBytes(options.blob, Number.MAX_SAFE_INTEGER)
  const fields = {
    version: LEGACY_PACKET_VERSION,
    model: options.model ?? 'gpt2',
    base_sha256: hexOf(sha256(base)),
    base_bytes: base.byteLength,
    base_tokens: null,
    base_file: basename(options.base),
    blob_sha256: hexOf(sha256(blob)),
    blob_bytes: blob.byteLength,
    blob_file: basename(options.blob),
  }
  const pointer = { ...fields, packet_id: legacyPacketId(fields) }
  const folder = options.out ?? '.'
  await mkdir(folder, { recursive: true })
  await writeFile(`${folder}/${basename(options.blob)}`, blob)
  print({ ok: true, ...pointer, manifest: await writePointer(folder, pointer) })
}

interface DeltaOptions {
  readonly delta: string
  readonly manifest?: string
  readonly baseHash?: string
}

async function infer(
  options: GlobalOptions &
    DeltaOptions & {
      maxNewTokens: number
      temperature: number
      topK: number
      topP: number
      seed: number
      keepOutput?: boolean
      trace?: boolean
      persist: 'durable' | 'memory'
      seam: 'exact' | 'concat'
    },
): Promise<void> {
  await withDelta(options, async ({ client, engine, call }, { ref, delta }) => {
    const { temperature, topK, topP, seed } = options
    const model = options.model === undefined ? undefined : resolveModel(engine, options.model)
    const { receipt, ...result } = await client.call(
      'packets.infer',
      {
        ...{ ref, model, delta },
        maxNewTokens: options.maxNewTokens,
        sampling: { temperature, topK, topP, seed },
        keepOutput: options.keepOutput ?? false,
        trace: options.trace ?? false,
        persist: options.persist,
        seam: options.seam,
      },
      call,
    )
    return {
      ...receipt,
      output: result.output,
      output_token_ids: result.outputTokenIds,
      finish_reason: result.finishReason,
      new_context_id: result.newContextId,
      new_packet_id: result.newPacketId,
      new_state_hash: result.newContextId,
      token_counts: result.tokens,
      phases: result.seconds,
    }
  })
}

/** Runs with the packet that `--manifest` names; a v0.1 packet of another program can only be checked. */
async function withManifest(
  options: GlobalOptions & { manifest: string; level?: string },
  command: (session: Session, ref: string) => Promise<unknown>,
): Promise<void> {
  await finish(async () => {
    const { ref, store, foreign } = await resolveManifest(options.manifest)
    if (foreign !== undefined) {
      if (options.level === 'intact') return print(await verifyForeign(foreign))
      throw new StatePackError(
        'E_NOT_SUPPORTED',
        'This packet holds an opaque cache of another program: it can be verified, not run.',
      )
    }
    await runCommand({ ...options, store: options.store ?? store }, session => command(session, ref))
  })
}

/** Reads a delta packet or a plain text, and finds the state it belongs to. */
async function withDelta(
  options: GlobalOptions & DeltaOptions,
  command: (session: Session, input: { ref: string; delta: string }) => Promise<unknown>,
): Promise<void> {
  await finish(async () => {
    const text = await readTextFile(options.delta)
    const packet = text.trimStart().startsWith('{')
      ? deltaPacketSchema.safeParse(parseJson(text, options.delta)).data
      : undefined
    if (packet !== undefined && hexOf(sha256(packet.delta_text)) !== packet.delta_sha256) {
      throw new StatePackError('E_CORRUPT', 'The delta text is not the one its packet names.', {
        field: 'delta_sha256',
      })
    }
    const manifest = options.manifest ?? options.baseHash ?? packet?.packet_id
    if (manifest === undefined) {
      throw new StatePackError(
        'E_USAGE',
        'Say which state the text continues: --manifest, --base-hash, or a delta packet.',
      )
    }
    const delta = packet?.delta_text ?? text
    await withManifest({ ...options, manifest }, (session, ref) => command(session, { ref, delta }))
  })
}

function seamOption(): Option {
  return new Option('--seam <mode>', 'concat counts as State Pack does').choices(['exact', 'concat']).default('exact')
}

/** `name=0.7`; without a weight 1. */
function weighted(text: string): { ref: string; weight: number } {
  const [, ref = text, weight = '1'] = /^(.+)=([\d.]+)$/.exec(text) ?? []
  return { ref, weight: Number(weight) }
}

function integer(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new InvalidArgumentError('Not a whole number.')
}
