import type { Command } from 'commander'
import { StatePackError } from '#shared/domain/error.ts'
import { verifyLegacyReceipts } from '../legacyReceipts.ts'
import { integer, positive } from '../parseOption.ts'
import { readTextFile } from '../readInput.ts'
import { isDigestLike, REFERENCE, resolveReference } from '../references.ts'
import { finish, type GlobalOptions, print, runCommand, type Session } from '../run.ts'
import { assertReplaceable, writeOutput } from '../writeOutput.ts'

/** receipts list, verify, begin, export, trace, replay. */
export function addReceiptCommands(program: Command): void {
  const receipts = program.command('receipts').description('the signed, chained record of every operation')

  receipts
    .command('list')
    .description('newest first')
    .option('--op <op>', 'only this kind of operation')
    .option('--packet <ref>', `only those about this one: ${REFERENCE}`)
    .option('--limit <n>', 'at most this many, up to 1000', positive, 1000)
    .option('--offset <n>', 'leave out so many of the newest', integer, 0)
    .action(async (options: GlobalOptions & { op?: string; packet?: string; limit: number; offset: number }) => {
      const { op, packet, limit, offset } = options
      await runCommand(options, async session => {
        const packetId = packet === undefined ? undefined : await packetNamed(session, packet)
        return session.client.call('receipts.list', { op, packetId, limit, offset }, session.call)
      })
    })

  receipts
    .command('verify')
    .description('every signature, the chain, and the checkpoints')
    .argument('[file]', 'receipts that State Pack v0.1 printed, instead of this store’s log')
    .option('--checkpoint <file>', 'a checkpoint kept outside the store: finds a cut tail')
    .action(async (file: string | undefined, options: GlobalOptions & { checkpoint?: string }) => {
      await finish(async () => {
        if (file !== undefined) return print(await verifyLegacyReceipts(file))
        const checkpoint = options.checkpoint === undefined ? undefined : await readTextFile(options.checkpoint)
        await runCommand(options, async ({ client, call }) => {
          const report = await client.call('receipts.verify', { checkpoint }, call)
          if (report.ok) return report
          print(report)
          throw new StatePackError('E_RECEIPT_LOG', report.problem?.reason ?? 'The log does not hold.', {
            index: report.problem?.index ?? null,
          })
        })
      })
    })

  receipts
    .command('begin')
    .description('close a log that does not hold and begin a new one; the old one stays beside it')
    .action(async (options: GlobalOptions) => {
      await runCommand(options, async ({ client, call }) => {
        const { receipt, aside } = await client.call('receipts.begin', {}, call)
        return { ...receipt, aside }
      })
    })

  receipts
    .command('export')
    .description('the log as JSON lines')
    .option('--out <file>', 'where to write it')
    .action(async (options: GlobalOptions & { out?: string }) => {
      await finish(async () => {
        if (options.out !== undefined) await assertReplaceable(options.out, isReceiptLog)
        await runCommand(options, async ({ client, call }) => {
          const { fileName, bytes } = await client.call('receipts.export', {}, call)
          const file = options.out ?? fileName
          await writeOutput(file, bytes, isReceiptLog)
          return { file, bytes: bytes.byteLength }
        })
      })
    })

  receipts
    .command('trace')
    .description('what the model expected at each token, recorded by infer --trace')
    .argument('<receipt_id>', 'as receipts list shows it')
    .action(async (id: string, options: GlobalOptions) => {
      await runCommand(options, ({ client, call }) => client.call('receipts.trace', { id }, call))
    })

  receipts
    .command('replay')
    .description('run an operation again: same inputs, same operation_id')
    .argument('<receipt_id>', 'as receipts list shows it')
    .action(async (id: string, options: GlobalOptions) => {
      await runCommand(options, ({ client, call }) => client.call('receipts.replay', { id }, call))
    })
}

/** The packet_id of a reference; what was deleted is in the log still, under its digest. */
async function packetNamed(session: Session, ref: string): Promise<string> {
  try {
    return (await resolveReference(session, ref)).packetId
  } catch (thrown) {
    const isGone = thrown instanceof StatePackError && thrown.code === 'E_NOT_FOUND' && isDigestLike(ref)
    if (isGone) return ref.trim().toLowerCase()
    throw thrown
  }
}

const isReceiptLog = (beginning: Buffer) => beginning.toString('latin1').startsWith('{"payload":"')
