import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import { type ExtractedDocument, guessNotes } from '#engine/documents/extractDocument.ts'
import { type StateDtype, stateDtypeSchema } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Created } from '#shared/rpc/methods/packets.ts'
import { createForeign } from '../foreignPacket.ts'
import { civilTime, positive } from '../parseOption.ts'
import { pointerOf, writePointer } from '../pointerFile.ts'
import { readDocument } from '../readInput.ts'
import { type ControlTokens, controlTokensOption, seamOption } from '../readingOptions.ts'
import { finish, type GlobalOptions, print, type Session, withEngine } from '../run.ts'

interface CreateOptions extends GlobalOptions {
  readonly base: string
  readonly encoding?: string
  readonly out?: string
  readonly name?: string
  readonly dtype?: StateDtype
  readonly system?: string
  readonly template?: boolean
  readonly date?: string
  readonly controlTokens?: ControlTokens
  readonly firstTokens?: number
  readonly split?: boolean
  readonly blob?: string
  readonly seam: 'exact' | 'concat'
}

/** create, with State Pack's own flags. */
export function addCreateCommand(program: Command): void {
  program
    .command('create')
    .description('read a text and store the state')
    .requiredOption('--base <file>', 'text, Markdown, PDF or HTML file, - for standard input')
    .option(
      '--encoding <name>',
      'how the texts are encoded, whatever they declare: windows-1251, shift_jis and the like',
    )
    .option('--out <folder>', 'the store to write to, and where the pointer file goes')
    .option('--name <name>', 'what to call it')
    .addOption(new Option('--dtype <dtype>', 'how to store the state').choices(stateDtypeSchema.options))
    .option('--system <text>', 'system prompt to put before the text')
    .option('--template', 'open a conversation with the text, through the model’s chat template')
    .option('--date <time>', 'what a template that asks for the date is told: 2026-11-27, or with T09:00:00', civilTime)
    .option('--first-tokens <n>', 'keep only the first n tokens', positive)
    .option('--split', 'several cartridges of a text that is longer than the model reads')
    .addOption(controlTokensOption())
    .option('--blob <file>', 'an opaque cache of another program: bound by digest, never loaded')
    .addOption(seamOption())
    .action(async (options: CreateOptions) => {
      const { base, blob, model, out = 'packets' } = options
      await finish(async () => {
        if (options.split && (options.firstTokens !== undefined || options.seam === 'concat'))
          throw new StatePackError('E_USAGE', '--split reads the whole text: leave out --first-tokens and --seam.')
        if (blob !== undefined) return print(await createForeign({ base, blob, model, folder: out }))
        return create(options, await readDocument(base, options.encoding))
      })
    })
}

async function create(options: CreateOptions, document: ExtractedDocument): Promise<void> {
  const { text, extractor } = document
  await withEngine({ ...options, store: options.out ?? options.store, makesStore: true }, async session => {
    const { client, modelOrDefault, call } = session
    const name = options.base === '-' ? 'text' : basename(options.base)
    const input = {
      model: modelOrDefault,
      sources: [{ name, text, extractor: extractor ?? undefined }],
      ...{
        name: options.name,
        dtype: options.dtype,
        systemPrompt: options.system,
        template: options.template ?? false,
      },
      ...{ time: options.date, controlTokens: options.controlTokens },
    }
    const guesses = guessNotes(options.base === '-' ? '' : name, document)
    const noted = (created: Created) => ({ ...created, notes: [...guesses, ...created.notes] })
    if (!options.split) {
      const { firstTokens, seam } = options
      const made = await client.call('packets.create', { ...input, firstTokens, seam }, call)
      return describe(session, options, noted(made))
    }
    const { parts } = await client.call('packets.createSplit', input, call)
    const described: object[] = []
    for (const part of parts) described.push(await describe(session, options, noted(part)))
    return { parts: described }
  })
}

/** What `create` prints of a cartridge; writes its pointer file. */
async function describe({ client, call }: Session, options: CreateOptions, created: Created): Promise<object> {
  const { receipt, cartridge, cacheHit, tokensProcessed, reused, reuseMissed, bytesWritten, notes } = created
  const found = await client.call('packets.resolve', { ref: cartridge.packetId }, call)
  // A context that a merge has made before has another base; this text is the whole of it.
  const text = found.texts.find(({ sha256 }) => sha256 === receipt.base_sha256) ?? found.texts[0]
  const pointer = pointerOf(found, text, options.base === '-' ? null : basename(options.base))
  const manifest = options.out === undefined ? null : await writePointer(options.out, pointer)
  if (options.quiet !== true) for (const note of notes) process.stderr.write(`${note}\n`)
  return {
    ...receipt,
    ...pointer,
    bytes: pointer.blob_bytes,
    name: options.split ? cartridge.name : (options.name ?? cartridge.name),
    names: found.names,
    manifest,
    cache_hit: cacheHit,
    tokens_processed: tokensProcessed,
    tokens_reused: reused?.tokens ?? 0,
    reused_packet_id: reused?.packetId ?? null,
    reuse_missed: reuseMissed,
    bytes_written: bytesWritten,
    notes,
  }
}
