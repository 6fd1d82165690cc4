/** Verified restore from disk against reading again, at several lengths: where a cartridge begins to pay. */
import { runRestore } from '#engine/savings/nativeBenchmark.ts'
import { row, STARTERS, withBenchEngine } from './benchEngine.ts'

await withBenchEngine(async ({ state }) => {
  const rows = []
  for (const model of STARTERS) {
    for (const result of await runRestore(state, {
      model,
      dtype: model === 'starter-mamba' ? 'float32' : 'float16',
      runs: 9,
    })) {
      rows.push(
        row({
          model,
          tokens: result.base_tokens,
          'verified restore ms': result.seconds.load * 1000,
          'restore + delta ms': result.seconds.load_and_delta * 1000,
          'read again ms': result.seconds.full * 1000,
          ratio: result.speedup_with_loading,
        }),
      )
    }
  }
  console.table(rows)
})
