import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { runNative, runRestore } from '#engine/savings/nativeBenchmark.ts'
import { positive } from '../parseOption.ts'
import { readTextFile } from '../readInput.ts'
import { finish, type GlobalOptions, runCommand, type Session } from '../run.ts'

/** bench agent-loop, native, restore; `benchmark` is State Pack's own name for the first. */
export function addBenchCommands(program: Command): void {
  const bench = program.command('bench').description('measure on this machine')
  agentLoop(bench.command('agent-loop').description('re-reading everything at each step against state plus delta'))
  agentLoop(program.command('benchmark', { hidden: true }))

  bench
    .command('native')
    .description('full read against restored state plus delta, with and without loading')
    .option('--base <file>', 'text file; the agent loop’s text otherwise')
    .option('--delta <file>', 'text file')
    .option('--tokens <n>', 'tokens of the base', positive, 1000)
    .option('--runs <n>', 'measured runs', positive, 5)
    .action(async (options: GlobalOptions & { base?: string; delta?: string; tokens: number; runs: number }) => {
      await inScratch(options, async ({ engine, modelOrDefault: model, call }) => {
        const [base, delta] = await Promise.all(
          [options.base, options.delta].map(file => (file === undefined ? undefined : readTextFile(file))),
        )
        return runNative(
          engine.state,
          { model, base, delta, baseTokens: options.tokens, runs: options.runs },
          { signal: call.signal, progress: call.onProgress },
        )
      })
    })

  bench
    .command('restore')
    .description('the same at several lengths: where restoring begins to pay')
    .option('--runs <n>', 'measured runs', positive, 5)
    .action(async (options: GlobalOptions & { runs: number }) => {
      await inScratch(options, async ({ engine, modelOrDefault: model, call }) => {
        return {
          lengths: await runRestore(
            engine.state,
            { model, runs: options.runs },
            { signal: call.signal, progress: call.onProgress },
          ),
        }
      })
    })
}

function agentLoop(command: Command): void {
  command
    .option('--steps <n>', 'steps of the loop', positive, 40)
    .addOption(new Option('--variant <name>').choices(['state-pack', 'honest']).default('state-pack'))
    .action(async (options: GlobalOptions & { steps: number; variant: 'state-pack' | 'honest' }) => {
      await inScratch(options, ({ client, modelOrDefault: model, call }) =>
        client.call('savings.agentLoop', { model, steps: options.steps, variant: options.variant }, call),
      )
    })
}

/** Benchmarks leave nothing in the library: they work in a store of their own unless one is named. */
async function inScratch(options: GlobalOptions, command: (session: Session) => Promise<unknown>): Promise<void> {
  await finish(async () => {
    const folder = options.store ?? (await mkdtemp(join(tmpdir(), 'statepack-bench-')))
    try {
      await runCommand({ ...options, store: folder }, command)
    } finally {
      if (options.store === undefined) await rm(folder, { recursive: true, force: true })
    }
  })
}
