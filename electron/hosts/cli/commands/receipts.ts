import { readFile, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { StatePackError } from '#shared/domain/error.ts'
import { type GlobalOptions, print, runCommand } from '../run.ts'

/** receipts list, verify, export, replay. */
export function addReceiptCommands(program: Command): void {
  const receipts = program.command('receipts').description('the signed, chained record of every operation')

  receipts
    .command('list')
    .option('--op <op>', 'only this kind of operation')
    .option('--packet <packet_id>', 'only those about this packet')
    .action(async (options: GlobalOptions & { op?: string; packet?: string }) => {
      await runCommand(options, ({ client, call }) =>
        client.call('receipts.list', { op: options.op, packetId: options.packet, limit: 1000 }, call),
      )
    })

  receipts
    .command('verify')
    .description('every signature, the chain, and the checkpoints')
    .option('--checkpoint <file>', 'a checkpoint kept outside the store: finds a cut tail')
    .action(async (options: GlobalOptions & { checkpoint?: string }) => {
      await runCommand(options, async ({ client, call }) => {
        const checkpoint = options.checkpoint === undefined ? undefined : await readFile(options.checkpoint, 'utf8')
        const report = await client.call('receipts.verify', { checkpoint }, call)
        if (report.ok) return report
        print(report)
        throw new StatePackError('E_RECEIPT_LOG', `Receipt ${report.problem?.index}: ${report.problem?.reason}`, {
          index: report.problem?.index ?? null,
        })
      })
    })

  receipts
    .command('export')
    .description('the log as JSON lines')
    .option('--out <file>', 'where to write it')
    .action(async (options: GlobalOptions & { out?: string }) => {
      await runCommand(options, async ({ client, call }) => {
        const { fileName, bytes } = await client.call('receipts.export', {}, call)
        const file = options.out ?? fileName
        await writeFile(file, bytes)
        return { file, bytes: bytes.byteLength }
      })
    })

  receipts
    .command('replay')
    .description('run an operation again: same inputs, same operation_id')
    .argument('<receipt_id>')
    .action(async (id: string, options: GlobalOptions) => {
      await runCommand(options, ({ client, call }) => client.call('receipts.replay', { id }, call))
    })
}
