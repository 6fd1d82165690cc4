/** Sessions of many steps in processes of their own, with the engine's settings: each has its memory, and its garbage, for itself. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { ENGINE_V8_FLAGS, engineEnv } from '#hosts/engineProcess/engineChild.ts'
import { median } from './median.ts'
import type { TieredAnswers, TieredQuestion } from './tieredProgram.ts'
import type { TierBytes } from './tieredSession.ts'

export interface SessionApart {
  ask<Q extends TieredQuestion>(question: Q): Promise<TieredAnswers[Q['what']]>
}

/** `budgets`: see `beginSession`. */
export async function withSessionApart<T>(
  options: { readonly model: string; readonly budgets?: TierBytes },
  work: (session: SessionApart) => Promise<T>,
): Promise<T> {
  const child = fork(join(import.meta.dirname, 'tieredProgram.ts'), [JSON.stringify(options)], {
    execArgv: ['--disable-warning=ExperimentalWarning', ...ENGINE_V8_FLAGS],
    env: engineEnv(),
  })
  const ended = new Promise<never>((_, reject) => {
    child.on('exit', (code, signal) => reject(new Error(`The process of a session ended with ${signal ?? code}.`)))
  })
  ended.catch(() => {})
  const heard = () => Promise.race([ended, new Promise<unknown>(done => child.once('message', done))])
  const ask: SessionApart['ask'] = question => {
    child.send(question)
    return heard() as Promise<never>
  }
  try {
    await heard()
    const done = await work({ ask })
    await ask({ what: 'end' })
    await ended.catch(() => {})
    return done
  } finally {
    child.kill()
  }
}

/** Steps whose times are added up: long enough that garbage is collected, and states leave memory, in each. */
const BLOCK = 16

/**
 * Two sessions step by step in turns, each as often the first to go, so that both meet the same machine; how fast the second is:
 * the median, of blocks of steps, of what the first took over what the second took. The same by the processor's time of all threads.
 * Throws where there are too few steps for a block.
 */
export async function compareSpeed(
  sessions: readonly [SessionApart, SessionApart],
  steps: number,
): Promise<TieredAnswers['step']> {
  if (steps < BLOCK) throw new Error(`Speed takes ${BLOCK} steps at least; ${steps} are left.`)
  const ratios: TieredAnswers['step'][] = []
  for (let block = 0; (block + 1) * BLOCK <= steps; block++) {
    const took = new Map(sessions.map(session => [session, { clock: 0, processor: 0 }]))
    for (let step = 0; step < BLOCK; step++) {
      for (const session of step % 2 === 0 ? sessions : sessions.toReversed()) {
        const { clock, processor } = await session.ask({ what: 'step' })
        const sum = took.get(session) ?? { clock: 0, processor: 0 }
        sum.clock += clock
        sum.processor += processor
      }
    }
    const [first, second] = sessions.map(session => took.get(session))
    const ratio = (of: keyof TieredAnswers['step']) => (first?.[of] ?? Number.NaN) / (second?.[of] ?? Number.NaN)
    ratios.push({ clock: ratio('clock'), processor: ratio('processor') })
  }
  return {
    clock: median(ratios.map(({ clock }) => clock)),
    processor: median(ratios.map(({ processor }) => processor)),
  }
}
