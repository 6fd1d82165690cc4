import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import type { ExtractedDocument } from '#engine/documents/extractDocument.ts'
import { LEGACY_PACKET_VERSION } from '#engine/receipts/legacy.ts'
import { type StateDtype, stateDtypeSchema } from '#shared/domain/cartridge.ts'
import { createForeign } from '../foreignPacket.ts'
import { positive } from '../parseOption.ts'
import { writePointer } from '../pointerFile.ts'
import { readDocument } from '../readInput.ts'
import { finish, type GlobalOptions, print, withEngine } from '../run.ts'
import { seamOption } from '../seamOption.ts'

interface CreateOptions extends GlobalOptions {
  readonly base: string
  readonly out?: string
  readonly name?: string
  readonly dtype?: StateDtype
  readonly system?: string
  readonly template?: boolean
  readonly firstTokens?: number
  readonly blob?: string
  readonly seam: 'exact' | 'concat'
}

/** create, with State Pack's own flags. */
export function addCreateCommand(program: Command): void {
  program
    .command('create')
    .description('read a text and store the state')
    .requiredOption('--base <file>', 'text, Markdown, PDF or HTML file, - for standard input')
    .option('--out <folder>', 'the store to write to, and where the pointer file goes')
    .option('--name <name>', 'what to call it')
    .addOption(new Option('--dtype <dtype>', 'how to store the state').choices(stateDtypeSchema.options))
    .option('--system <text>', 'system prompt to put before the text')
    .option('--template', 'render the text through the model’s chat template')
    .option('--first-tokens <n>', 'keep only the first n tokens', positive)
    .option('--blob <file>', 'an opaque cache of another program: bound by digest, never loaded')
    .addOption(seamOption())
    .action(async (options: CreateOptions) => {
      const { base, blob, model, out = '.' } = options
      await finish(async () => {
        if (blob !== undefined) return print(await createForeign({ base, blob, model, folder: out }))
        return create(options, await readDocument(base))
      })
    })
}

async function create(options: CreateOptions, { text, extractor }: ExtractedDocument): Promise<void> {
  await withEngine({ ...options, store: options.out ?? options.store }, async ({ client, modelOrDefault, call }) => {
    const name = options.base === '-' ? 'text' : basename(options.base)
    const { receipt, cartridge, ...rest } = await client.call(
      'packets.create',
      {
        model: modelOrDefault,
        sources: [{ name, text, extractor: extractor ?? undefined }],
        name: options.name,
        dtype: options.dtype,
        systemPrompt: options.system,
        template: options.template ?? false,
        firstTokens: options.firstTokens,
        seam: options.seam,
      },
      call,
    )
    const { texts, names, blobSha256, blobBytes } = await client.call(
      'packets.resolve',
      { ref: cartridge.packetId },
      call,
    )
    // A context that a merge has made before has another base; this text is the whole of it.
    const base = texts.find(({ sha256 }) => sha256 === receipt.base_sha256) ?? texts[0]
    const pointer = {
      version: LEGACY_PACKET_VERSION,
      model: cartridge.model.name,
      base_sha256: base?.sha256 ?? '',
      base_bytes: base?.bytes ?? 0,
      base_tokens: cartridge.tokens,
      base_file: options.base === '-' ? null : basename(options.base),
      blob_sha256: blobSha256,
      blob_bytes: blobBytes,
      blob_file: null,
      packet_id: cartridge.packetId,
      context_id: cartridge.contextId,
    } as const
    const manifest = options.out === undefined ? null : await writePointer(options.out, pointer)
    const { cacheHit, tokensProcessed, bytesWritten } = rest
    return {
      ...receipt,
      ...pointer,
      bytes: blobBytes,
      name: options.name ?? cartridge.name,
      names,
      manifest,
      cache_hit: cacheHit,
      tokens_processed: tokensProcessed,
      bytes_written: bytesWritten,
    }
  })
}
