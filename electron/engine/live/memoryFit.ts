/** Whether a model fits into the memory that is free before it is loaded, and what would instead. */
import { StatePackError } from '#shared/domain/error.ts'
import { ENGLISH } from '#shared/figures/createFigures.ts'
import { memoryNeeded } from '../inference/memoryNeeded.ts'
import type { Precision } from '../models/model.ts'
import type { ModelEntry } from '../models/modelEntry.ts'
import type { ModelDescription } from '../models/sources/openModel.ts'

/** Bytes, as the headers tell, and as the system does now. */
export interface MemoryFit {
  readonly needed: number
  readonly free: number
  readonly fits: boolean
}

/** From the closest to the model's own numbers on. */
const SMALLER: readonly Precision[] = ['int8', 'int4']

export function memoryFit(described: ModelDescription, free: number): MemoryFit {
  const { total: needed } = memoryNeeded(described)
  return { needed, free, fits: needed <= free }
}

export interface MemoryQuestion {
  readonly entry: ModelEntry
  readonly fit: MemoryFit
  /** The other installed models. */
  readonly others: readonly ModelEntry[]
  /** A model in a precision; in the one it runs in where that is left out. */
  readonly describe: (entry: ModelEntry, precision?: Precision) => Promise<ModelDescription>
}

/** The refusal of a model that does not fit: names the precision that would, else the largest other model that does. */
export async function doesNotFit({ entry, fit, others, describe }: MemoryQuestion): Promise<StatePackError> {
  const own = await describe(entry)
  const details = { model: entry.id, precision: own.precision, needed: fit.needed, free: fit.free }
  const message = `"${entry.id}" takes about ${ENGLISH.formatBytes(fit.needed)} of memory in ${own.precision}, and ${ENGLISH.formatBytes(fit.free)} are free.`
  for (const precision of SMALLER) {
    const smaller = await needOf(describe(entry, precision))
    if (smaller === null || smaller >= fit.needed || smaller > fit.free) continue
    const fits = `In ${precision} it would fit, with ${ENGLISH.formatBytes(smaller)}.`
    return new StatePackError('E_MEMORY', `${message} ${fits}`, { ...details, fits: precision })
  }
  let largest: { readonly id: string; readonly needed: number } | null = null
  for (const other of others) {
    const needed = other.offline ? null : await needOf(describe(other))
    if (needed !== null && needed <= fit.free && needed > (largest?.needed ?? 0)) largest = { id: other.id, needed }
  }
  const fits =
    largest === null
      ? 'No installed model would fit.'
      : `Of the installed models "${largest.id}" would fit, with ${ENGLISH.formatBytes(largest.needed)}.`
  return new StatePackError('E_MEMORY', `${message} ${fits}`, { ...details, fits: largest?.id ?? null })
}

/** null where there is no such model. */
function needOf(described: Promise<ModelDescription>): Promise<number | null> {
  return described.then(
    found => memoryNeeded(found).total,
    () => null,
  )
}
