import { type Command, Option } from 'commander'
import { decimal, integer } from '../parseOption.ts'
import { REFERENCE } from '../references.ts'
import { type GlobalOptions, runCommand } from '../run.ts'
import { withManifest } from '../withManifest.ts'

/** list, search, suggest, history, inspect, gc. */
export function addLibraryCommands(program: Command): void {
  program
    .command('list')
    .description('the cartridges of the library, and its collections')
    .addOption(new Option('--kind <kind>', 'keys and values, recurrent, or both').choices(['kv', 'ssm', 'hybrid']))
    .option('--tag <tag>', 'only those with this tag')
    .action((options: GlobalOptions & { kind?: 'kv'; tag?: string }) => list(options, ''))

  program
    .command('search')
    .description('cartridges by name, card, recipe and text')
    .argument('<words...>', 'each must be in the name, a tag or the card, or begin a word of its texts')
    .action((words: string[], options: GlobalOptions) => list(options, words.join(' ')))

  program
    .command('suggest')
    .description('the cartridge that a question is about, by full text and by what the states know')
    .argument('<question...>', 'as it would be asked')
    .action(async (question: string[], options: GlobalOptions) => {
      await runCommand(options, ({ client, model, call }) =>
        client.call('library.suggest', { question: question.join(' '), model }, call),
      )
    })

  program
    .command('history')
    .description('what a cartridge was asked in conversations, and what it answered')
    .argument('<ref>', REFERENCE)
    .action(async (ref: string, options: GlobalOptions) => {
      await withManifest({ ...options, manifest: ref }, ({ client, call }, { packetId }) =>
        client.call('ask.history', { ref: packetId }, call),
      )
    })

  program
    .command('inspect')
    .description('the twelve components of a cartridge')
    .argument('<ref>', REFERENCE)
    .action(async (ref: string, options: GlobalOptions) => {
      await withManifest({ ...options, manifest: ref }, async ({ client, call }, { packetId }) => {
        const { tokens, ...inspected } = await client.call('packets.inspect', { ref: packetId }, call)
        return { ...inspected, token_count: tokens.length }
      })
    })

  program
    .command('gc')
    .description('remove what nothing refers to')
    .option('--older-than <days>', 'also unnamed packets older than this', decimal)
    .option('--keep-latest <n>', 'but keep this many of the newest', integer)
    .option('--dry-run', 'count, remove nothing')
    .action(async (options: GlobalOptions & { olderThan?: number; keepLatest?: number; dryRun?: boolean }) => {
      await runCommand(options, ({ client, call }) =>
        client.call(
          'library.gc',
          { olderThanDays: options.olderThan, keepLatest: options.keepLatest, dryRun: options.dryRun ?? false },
          call,
        ),
      )
    })
}

async function list(options: GlobalOptions & { kind?: 'kv'; tag?: string }, query: string): Promise<void> {
  await runCommand(options, async ({ client, model, call }) => {
    const items: unknown[] = []
    for (;;) {
      const page = await client.call(
        'library.list',
        { query, kind: options.kind, tag: options.tag, model, offset: items.length, limit: 500 },
        call,
      )
      items.push(...page.items.map(({ stack: _, ...item }) => item))
      if (page.items.length > 0 && items.length < page.total) continue
      const { collections } = await client.call('collections.list', {}, call)
      return { cartridges: items, total: page.total, ...(query === '' ? { collections } : {}) }
    }
  })
}
