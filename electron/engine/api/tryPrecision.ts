import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { toStatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { CallContext } from '#shared/rpc/contract.ts'
import { memoryNeeded } from '../inference/memoryNeeded.ts'
import { measurePrecisionEffect } from '../inference/precisionEffect.ts'
import { openRuntime } from '../inference/runtime.ts'
import type { Model, Precision } from '../models/model.ts'
import type { EngineState } from './engineState.ts'

type Tried = Omit<Output<'models.setPrecision'>, 'model'>

/** A page is enough to see what rounding does, and is read in seconds. */
const SAMPLE_TOKENS = 256
const sampleSchema = z.looseObject({ text: z.string() })

/**
 * Converts a model's weights unless that was done before, and measures what the precision changes against float32 on a
 * bundled text, on the CPU. Throws what opening and converting throw; a measurement that is not possible says why.
 */
export async function tryPrecision(
  state: EngineState,
  { id, precision }: { readonly id: string; readonly precision: Precision },
  { signal, progress }: CallContext,
): Promise<Tried> {
  const model = await state.models.openAt(id, precision, signal, progress)
  if (precision === 'float32') return { effect: null, notMeasured: 'It is what others are measured against.' }
  const reference = await state.models.openAt(id, 'float32', signal).catch(toStatePackError)
  if (reference instanceof Error) {
    if (reference.code === 'E_CANCELLED') throw reference
    return { effect: null, notMeasured: `There are no float32 weights to measure against: ${reference.message}` }
  }
  if (memoryNeeded(reference).total + memoryNeeded(model).total > state.machine.freeMemory()) {
    return { effect: null, notMeasured: 'The memory that is free does not hold the model twice.' }
  }
  const tokens = await sampleTokens(state.folders.assets, model)
  if (tokens.length === 0) return { effect: null, notMeasured: 'The model has no tokenizer.' }
  progress({ phase: 'measuring the effect' })
  const exact = await openRuntime(reference, { device: 'cpu' })
  try {
    const rounded = await openRuntime(model, { device: 'cpu' })
    try {
      return { effect: await measurePrecisionEffect(exact, rounded, { tokens, signal }), notMeasured: null }
    } finally {
      await rounded.dispose()
    }
  } finally {
    await exact.dispose()
  }
}

async function sampleTokens(assets: string, { tokenizer, contextLength }: Model): Promise<Int32Array> {
  if (tokenizer === null) return new Int32Array()
  const { text } = sampleSchema.parse(JSON.parse(await readFile(join(assets, 'texts', 'handbook.json'), 'utf8')))
  return tokenizer.encode(text, { bos: true }).subarray(0, Math.min(SAMPLE_TOKENS, contextLength ?? SAMPLE_TOKENS))
}
