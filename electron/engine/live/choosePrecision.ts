/** The precision a model that is new here runs in, where nobody chose one. */
import { ENGLISH } from '#shared/figures/createFigures.ts'
import { memoryNeeded } from '../inference/memoryNeeded.ts'
import type { Precision } from '../models/model.ts'
import type { ModelDescription } from '../models/sources/openModel.ts'

/** Tokens a second below which writing is slower than most people read. */
const SLOW = 5

/** Bytes a second that every machine manages: small models need no measurement. */
const SLOWEST = 1e9

export interface Machine {
  readonly freeMemory: () => number
  /** Bytes of weights that are multiplied with in a second. */
  readonly weightSpeed: () => Promise<number>
}

export interface ChosenPrecision {
  readonly precision: Precision
  /** Why not the model's own, in a sentence. */
  readonly reason: string
}

/**
 * null: its own. int8, whose answers seldom differ, where float32 does not fit into the memory that is free and int8 does, or
 * where it would write fewer than five tokens a second. Weights that are quantised already stay as they are. `describe` throws
 * for what cannot be had.
 */
export async function choosePrecision(
  describe: (precision: Precision) => Promise<ModelDescription>,
  { freeMemory, weightSpeed }: Machine,
): Promise<ChosenPrecision | null> {
  const own = await describe('float32').catch(() => null)
  if (own === null || own.quantisedTypes.length > 0) return null
  const [free, needed] = [freeMemory(), memoryNeeded(own).total]
  if (needed <= free && own.loadedBytes * SLOW < SLOWEST) return null
  const smaller = await describe('int8').catch(() => null)
  if (smaller === null || memoryNeeded(smaller).total > free) return null
  if (needed > free) {
    const reason = `In float32 it would take ${ENGLISH.formatBytes(needed)} of memory, and ${ENGLISH.formatBytes(free)} are free.`
    return { precision: 'int8', reason }
  }
  const speed = await weightSpeed()
  if (speed / own.loadedBytes >= SLOW) return null
  const [before, after] = [own, smaller].map(({ loadedBytes }) =>
    ENGLISH.formatFixed(Math.max(speed / loadedBytes, 0.1), 1),
  )
  const reason = `In float32 this machine would write about ${before} tokens a second, in int8 about ${after}.`
  return { precision: 'int8', reason }
}
