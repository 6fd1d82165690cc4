import { basename } from 'node:path'
import type { Command } from 'commander'
import { nameInFileName } from '#shared/domain/cartridgeFileName.ts'
import { isName } from '#shared/domain/name.ts'
import { REFERENCE } from '../references.ts'
import { finish, type GlobalOptions, runCommand } from '../run.ts'
import { givesAway, type LeavingOptions, NO_RECEIPT, sharingNotice, WITHHOLD } from '../sharingNotice.ts'
import { trustWarning } from '../trustWarning.ts'
import { withCartridgeFile } from '../withCartridgeFile.ts'
import { withManifest } from '../withManifest.ts'
import { assertReplaceable, streamOutput, writeStdout } from '../writeOutput.ts'

interface ExportOptions extends GlobalOptions, LeavingOptions {
  readonly out?: string
  readonly review?: boolean
}

interface ImportOptions extends GlobalOptions {
  readonly trust?: boolean
  readonly name?: string
  readonly review?: boolean
  readonly try?: string
  readonly lenient?: boolean
}

/** export and import: one canonical `.cartridge` file. */
export function addTransferCommands(program: Command): void {
  program
    .command('export')
    .description('write one canonical .cartridge file')
    .argument('<ref>', REFERENCE)
    .option('--out <file>', 'where to write it, - for standard output')
    .option('--review', 'only say what the file would give away: write nothing')
    .option('--no-receipt', NO_RECEIPT)
    .option('--withhold-text', WITHHOLD)
    .action(async (ref: string, options: ExportOptions) => {
      await finish(async () => {
        const { out } = options
        if (out !== undefined && out !== '-') await assertReplaceable(out, isCartridge)
        await withManifest({ ...options, manifest: ref }, async ({ client, call }, { packetId }) => {
          const { receipt: sendsReceipt, withholdText: withhold = false } = options
          const review = await client.call('packets.exportReview', { ref: packetId, withhold }, call)
          const gives_away = givesAway(review, options)
          if (options.review === true) return { packet_id: packetId, ...gives_away, text: review.recoverableText }
          if (options.quiet !== true)
            process.stderr.write(`${sharingNotice(review, { ...options, gets: 'gets this file' })}\n`)
          const exportTo = (onItem: (bytes: Uint8Array) => unknown) =>
            client.call('packets.export', { ref: packetId, receipt: sendsReceipt, withhold }, { ...call, onItem })
          if (out === '-') {
            await exportTo(writeStdout)
            return undefined
          }
          const path = out ?? review.fileName
          const { bytes, receipt } = await streamOutput(path, isCartridge, file => exportTo(bytes => file.write(bytes)))
          return { ...receipt, file: path, file_bytes: bytes, gives_away }
        })
      })
    })

  program
    .command('import')
    .description('take in a .cartridge file')
    .argument('<file>', 'a .cartridge file')
    .option('--trust', 'allow it to be run at once')
    .option('--name <name>', 'what to call it')
    .option('--review', 'only look: write nothing')
    .option('--try <question>', 'only ask the file a question: write nothing')
    .option('--lenient', 'take the tar of another tool: any order, owners and times in it')
    .action(async (file: string, options: ImportOptions) => {
      await finish(async () => {
        await runCommand({ ...options, makesStore: true }, ({ client, call }) =>
          withCartridgeFile(file, call.signal, async path => {
            const input = { path, lenient: options.lenient ?? false }
            if (options.try !== undefined) return client.call('packets.try', { ...input, question: options.try }, call)
            if (options.review === true) return client.call('packets.review', input, call)
            const review = options.trust === true ? await client.call('packets.review', input, call) : null
            const warning = review === null ? null : trustWarning(review)
            if (warning !== null && options.quiet !== true) process.stderr.write(`${warning}\n`)
            const called = nameInFileName(basename(file))
            const { cartridge, duplicate, refusedReferrers, receipt } = await client.call(
              'packets.import',
              {
                ...{ ...input, trust: options.trust ?? false },
                name: options.name ?? (file !== '-' && isName(called) ? called : undefined),
              },
              call,
            )
            const { name, trust } = cartridge
            const proven = review === null ? {} : { not_from_texts: review.notFromTexts }
            return { ...receipt, name, trust, duplicate, refused_referrers: refusedReferrers, ...proven }
          }),
        )
      })
    })
}

/** Every byte of a `.cartridge` file checked as an import would, and nothing kept. */
export async function verifyFile(file: string, options: GlobalOptions): Promise<void> {
  await runCommand({ ...options, makesStore: true }, ({ client, call }) =>
    withCartridgeFile(file, call.signal, async path => {
      const { packetId, contextId, model, tokens, bytes } = await client.call('packets.review', { path }, call)
      return {
        ...{ op: 'verify', ok: true, level: 'intact', file, packet_id: packetId, context_id: contextId },
        ...{ bytes, model: model.name, tokens: { base: tokens } },
      }
    }),
  )
}

/** Every form begins with the tar entry of the layout file. */
const isCartridge = (beginning: Buffer) => beginning.subarray(0, 11).toString('latin1') === 'oci-layout\0'
