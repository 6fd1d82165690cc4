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
    .description('how much of memory and of the disk states may take, and what they take on disk')
    .option('--hot <size>', 'buffers that models run in, from now on, e.g. 512MB', byteCount)
    .option('--warm <size>', 'states kept decoded, from now on', byteCount)
    .option(
      '--cold <size>',
      'the disk, for all states together, from now on; auto: a quarter of what is free',
      byteCountOrAuto,
    )
    .action(async ({ hot, warm, cold, ...options }: GlobalOptions & Budgets) => {
      await runCommand(options, async ({ client, call }) => {
        const { memory: before } = await client.call('settings.get', {}, call)
        const change = Object.entries({ hot, warm, cold: cold === 'auto' ? null : cold }).filter(
          ([, bytes]) => bytes !== undefined,
        )
        const memory = { ...before, ...Object.fromEntries(change) }
        if (change.length > 0) await client.call('settings.set', { memory }, call)
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
