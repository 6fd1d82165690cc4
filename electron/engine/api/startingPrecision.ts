import { choosePrecision } from '../live/choosePrecision.ts'
import type { ModelEntry } from '../models/modelEntry.ts'
import { describeModel } from '../models/sources/openModel.ts'
import type { Call } from '../packets/context.ts'
import type { EngineState } from './engineState.ts'
import type { ModelSettings } from './modelSettings.ts'

/**
 * Where this machine is too slow or too small for a model that is new here, and nobody chose a precision: converts it to a
 * smaller one, and keeps that with the reason. Throws what converting throws; then nothing was chosen.
 */
export async function chooseStartingPrecision(
  state: EngineState,
  settings: ModelSettings,
  { entry, signal, progress }: { readonly entry: ModelEntry } & Pick<Call, 'signal' | 'progress'>,
): Promise<void> {
  if (entry.starter || settings.precisionOf(entry.folder) !== null || state.models.provider() !== 'cpu') return
  const chosen = await choosePrecision(one => describeModel(entry.folder, one), state.machine)
  if (chosen === null) return
  settings.setPrecision(entry.folder, chosen.precision, chosen.reason)
  try {
    await state.models.open(entry.id, signal, progress)
  } catch (error) {
    settings.setPrecision(entry.folder, null)
    throw error
  }
}
