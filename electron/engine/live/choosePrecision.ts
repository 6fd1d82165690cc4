/** The precision a model that is new here runs in, where nobody chose one. */
import { memoryNeeded } from '../inference/memoryNeeded.ts'
import type { Precision } from '../models/model.ts'
import type { ModelDescription } from '../models/sources/openModel.ts'
import { inWords } from './memoryFit.ts'

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
 * null: its own. A smaller one where float32 does not fit into the memory that is free, or would write fewer than five tokens
 * a second; then int8, whose answers seldom differ, and int4 only where int8 does not fit. Weights that are quantised already,
 * and exports, stay as they are. `describe` throws for what cannot be had.
 */
export async function choosePrecision(
  describe: (precision: Precision) => Promise<ModelDescription>,
  { freeMemory, weightSpeed }: Machine,
): Promise<ChosenPrecision | null> {
  const own = await describe('float32').catch(() => null)
  if (own === null || own.quantisedTypes.length > 0) return null
  const [free, needed] = [freeMemory(), memoryNeeded(own).total]
  if (needed <= free && own.loadedBytes * SLOW < SLOWEST) return null
  const speed = await weightSpeed()
  const rate = (bytes: number) => Math.max(speed / bytes, 0.1).toFixed(1)
  if (needed <= free && speed / own.loadedBytes >= SLOW) return null
  for (const precision of ['int8', 'int4'] as const) {
    const smaller = await describe(precision).catch(() => null)
    if (smaller === null || smaller.loadedBytes >= own.loadedBytes) continue
    if (memoryNeeded(smaller).total > free) continue
    const reason =
      needed > free
        ? `In float32 it would take ${inWords(needed)} of memory, and ${inWords(free)} are free.`
        : `In float32 this machine would write about ${rate(own.loadedBytes)} tokens a second, in ${precision} about ${rate(smaller.loadedBytes)}.`
    return { precision, reason }
  }
  return null
}
