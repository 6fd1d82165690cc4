/** A recurrent model that runs for long, in a process of its own: what its checkpoints, and all else, take. */
import { Timeline } from '#engine/live/timelines.ts'
import { arraysHeld } from './arraysHeld.ts'
import { withBenchEngine } from './benchEngine.ts'

export interface TimelineOptions {
  readonly steps: number
  /** Tokens read in one run; one by one each is the likeliest after those before. */
  readonly atOnce: number
}

const STATE_BYTES = 1_357_568

const { steps, atOnce }: TimelineOptions = JSON.parse(process.argv[2] ?? '{}')

const rows = await withBenchEngine(async ({ state }) => {
  const { runtime } = await state.models.load('starter-mamba')
  const before = await arraysHeld()
  using session = runtime.newSession()
  const timeline = new Timeline()
  const found: Record<string, number>[] = []
  let token = 1
  const began = performance.now()
  for (let step = 0; step < steps; ) {
    const count = Math.min(atOnce, steps - step)
    const tokens =
      atOnce === 1 ? [token] : Array.from({ length: count }, (_, at) => (step + at) % runtime.model.vocabSize)
    const logits = await session.append(tokens, { onCheckpoint: timeline.add })
    token = logits.indexOf(Math.max(...logits))
    step += count
    if (step < ((found.length + 1) * steps) / 10) continue
    const held = (await arraysHeld()) - before
    const kept = timeline.checkpoints.length
    found.push({
      steps: step,
      'steps / s': (1000 * step) / (performance.now() - began),
      'arrays MB': held / 1e6,
      checkpoints: kept,
      'without them MB': (held - kept * STATE_BYTES) / 1e6,
      'process MB': process.memoryUsage.rss() / 1e6,
    })
  }
  return found
})
console.log(JSON.stringify({ rows }))
