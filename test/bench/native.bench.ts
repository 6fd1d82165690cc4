/** Reading 1,000 tokens and a delta again, against a verified cartridge from disk plus the delta, on both starters. */
import { runNative } from '#engine/savings/nativeBenchmark.ts'
import { row, STARTERS, withBenchEngine } from './benchEngine.ts'

await withBenchEngine(async ({ state }) => {
  const rows = []
  for (const model of STARTERS) {
    for (const dtype of ['float32', 'float16'] as const) {
      const result = await runNative(state, { model, dtype, runs: 9 })
      rows.push(
        row({
          model,
          dtype,
          base: result.base_tokens,
          delta: result.delta_tokens,
          'packet bytes': result.packet_bytes,
          'full ms': result.seconds.full * 1000,
          'load+delta ms': result.seconds.load_and_delta * 1000,
          'delta ms': result.seconds.delta * 1000,
          'with loading x': result.speedup_with_loading,
          'without x': result.speedup_without_loading,
          'max |logit diff|': result.max_abs_logit_diff,
        }),
      )
    }
  }
  console.table(rows)
})
