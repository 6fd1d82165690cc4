import type { Command } from 'commander'
import { byteCount, byteCountOrAuto } from '../parseOption.ts'
import { type GlobalOptions, runCommand } from '../run.ts'

interface Budgets {
  readonly hot?: number
  readonly warm?: number
  readonly cold?: number | 'auto'
}

/** memory: how much each tier may hold. */
export function addMemoryCommand(program: Command): void {
  program
    .command('memory')
    .description(
      'how much of memory and of the disk states may take, and what they take on disk; a Studio or server that runs goes by it from its next start on',
    )
    .option('--hot <size>', 'buffers that models run in, e.g. 512MB', byteCount)
    .option('--warm <size>', 'states kept decoded', byteCount)
    .option(
      '--cold <size>',
      'the disk, for all states together; auto: what there is and a quarter of what is free',
      byteCountOrAuto,
    )
    .action(async ({ hot, warm, cold, ...options }: GlobalOptions & Budgets) => {
      await runCommand(options, async ({ client, call }) => {
        const change = { hot, warm, cold: cold === 'auto' ? null : cold }
        const isChange = Object.values(change).some(bytes => bytes !== undefined)
        const { memory } = isChange
          ? await client.call('settings.set', { memory: change }, call)
          : await client.call('settings.get', {}, call)
        const { tiers, stored } = await client.call('memory.status', {}, call)
        const onDisk = tiers.find(({ tier }) => tier === 'cold')
        return {
          budgets: Object.fromEntries(tiers.map(({ tier, budget: bytes }) => [tier, bytes])),
          cold_follows_the_disk: memory.cold === null,
          stored,
          stored_bytes: onDisk?.own ?? 0,
        }
      })
    })
}
