import type { Output } from '#shared/rpc/client.ts'

export type LoopStep = Output<'savings.agentLoop'>['steps'][number]

/** A step of the running benchmark, from the sample its progress carries; null when the sample is something else. */
export function loopSample(sample: Readonly<Record<string, number>> | undefined): LoopStep | null {
  if (sample === undefined) return null
  const { step, naiveTokens, stateTokens, naiveSeconds, stateSeconds } = sample
  if (step === undefined || naiveTokens === undefined || stateTokens === undefined) return null
  return { step, naiveTokens, stateTokens, naiveSeconds: naiveSeconds ?? 0, stateSeconds: stateSeconds ?? 0 }
}

/** Running sums over the steps: what has been read and how long it took so far, both ways. */
export function cumulative(steps: readonly LoopStep[]): readonly LoopStep[] {
  let sum = { naiveTokens: 0, stateTokens: 0, naiveSeconds: 0, stateSeconds: 0 }
  return steps.map(step => {
    sum = {
      naiveTokens: sum.naiveTokens + step.naiveTokens,
      stateTokens: sum.stateTokens + step.stateTokens,
      naiveSeconds: sum.naiveSeconds + step.naiveSeconds,
      stateSeconds: sum.stateSeconds + step.stateSeconds,
    }
    return { step: step.step, ...sum }
  })
}
