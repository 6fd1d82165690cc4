import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { runNative, runRestore } from '#engine/savings/nativeBenchmark.ts'
import { decimal, positive } from '../parseOption.ts'
import { readTextFile } from '../readInput.ts'
import { finish, type GlobalOptions, runCommand, type Session } from '../run.ts'
import { assertReplaceable, writeOutput } from '../writeOutput.ts'

/** bench agent-loop, native, restore; `benchmark` is State Pack's own name for the first. */
export function addBenchCommands(program: Command): void {
  const bench = program.command('bench').description('measure on this machine')
  agentLoop(bench.command('agent-loop').description('re-reading everything at each step against state plus delta'))
  agentLoop(program.command('benchmark').description('State Pack’s name for bench agent-loop'))

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

interface LoopOptions extends GlobalOptions {
  readonly steps: number
  readonly variant: 'state-pack' | 'honest'
  readonly inputCostPerM: number
  readonly out?: string
}

function agentLoop(command: Command): void {
  command
    .option('--steps <n>', 'steps of the loop', positive, 40)
    .addOption(
      new Option('--variant <name>', 'state-pack counts as its own benchmark did, honest counts everything')
        .choices(['state-pack', 'honest'])
        .default('state-pack'),
    )
    .option('--input-cost-per-m <dollars>', 'price of a million input tokens', decimal, 0)
    .option('--out <file>', 'also write the result here')
    .addOption(new Option('--script <file>', 'State Pack’s own: accepted, never run, the loop is built in').hideHelp())
    .action(async (options: LoopOptions) => {
      const { steps: count, variant, out, inputCostPerM } = options
      await finish(async () => {
        if (out !== undefined) await assertReplaceable(out, isLoopResult)
        await inScratch(options, async ({ client, modelOrDefault: model, call }) => {
          const { tokens, seconds, steps, ...rest } = await client.call(
            'savings.agentLoop',
            { model, steps: count, variant },
            call,
          )
          const saved = tokens.naive - tokens.state
          const result = {
            ...rest,
            steps: count,
            naive: { tokens_processed: tokens.naive, seconds: seconds.naive },
            state_pack: { tokens_processed: tokens.state, seconds: seconds.state },
            savings: {
              tokens_saved: saved,
              savings_percent: tokens.savedPercent,
              speedup: seconds.speedup,
              estimated_usd_saved: (saved / 1e6) * inputCostPerM,
              input_cost_per_m: inputCostPerM,
            },
            per_step: steps,
          }
          if (out !== undefined) await writeOutput(out, `${JSON.stringify(result, null, 2)}\n`, isLoopResult)
          return result
        })
      })
    })
}

/** Benchmarks leave nothing in the library: they work in a store of their own unless one is named. */
async function inScratch(options: GlobalOptions, command: (session: Session) => Promise<unknown>): Promise<void> {
  await finish(async () => {
    const folder = options.store ?? (await mkdtemp(join(tmpdir(), 'statepack-bench-')))
    try {
      await runCommand({ ...options, store: folder, makesStore: true }, command)
    } finally {
      if (options.store === undefined) await rm(folder, { recursive: true, force: true })
    }
  })
}

const isLoopResult = (beginning: Buffer) => /^\{\s*"model": *"[^"]*",\s*"variant":/.test(beginning.toString('latin1'))
