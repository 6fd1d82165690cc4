import { existsSync } from 'node:fs'
import { abilityOf } from '#shared/domain/ability.ts'
import { toStatePackError } from '#shared/domain/error.ts'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import { stateBytes } from '../inference/stateBytes.ts'
import type { ModelPool } from '../live/modelPool.ts'
import type { ModelEntry } from '../models/modelEntry.ts'

/** An installed model as windows show it; a broken or absent one says why instead of failing the list. */
export async function modelView(
  models: ModelPool,
  {
    entry,
    downloaded,
    prefillTokensPerSecond,
    precisionReason,
  }: {
    entry: ModelEntry
    downloaded: boolean
    prefillTokensPerSecond: number | null
    precisionReason: string | null
  },
): Promise<ModelView> {
  const unknown = {
    id: entry.id,
    name: entry.id,
    kind: 'kv' as const,
    architecture: '',
    parameters: 0,
    precision: '',
    contextLength: null,
    vocabSize: 0,
    weightsBytes: 0,
    quantised: null,
    stateBytesPerToken: 0,
    stateBytesFixed: 0,
    starter: entry.starter,
    folder: entry.folder,
    downloaded,
    hasChatTemplate: false,
    ability: entry.starter ? ('facts' as const) : ('continue' as const),
    prefillTokensPerSecond: null,
    precisionReason,
    memory: null,
    notes: [],
  }
  if (entry.offline || !existsSync(entry.folder))
    return { ...unknown, status: 'offline', problem: 'Its folder cannot be reached now.' }
  try {
    const model = await models.describe(entry)
    const { perToken, fixed } = stateBytes(model.geometry)
    const memory = await models.memoryOf(entry)
    return {
      ...unknown,
      kind: model.kind,
      architecture: model.architecture,
      parameters: model.parameters,
      precision: model.precision,
      quantised: model.quantisedTypes.length === 0 ? null : model.quantisedTypes.join(', '),
      weightsBytes: model.weightsBytes,
      contextLength: model.contextLength,
      vocabSize: model.vocabSize,
      stateBytesPerToken: perToken,
      stateBytesFixed: fixed,
      status: 'ready',
      problem: null,
      hasChatTemplate: model.hasChatTemplate,
      ability: abilityOf({ ...model, starter: entry.starter }),
      prefillTokensPerSecond,
      memory:
        memory === null ? null : { needed: memory.needed, free: memory.free, problem: memory.refusal?.message ?? null },
      notes: [...model.notes],
    }
  } catch (thrown) {
    return { ...unknown, status: 'broken', problem: toStatePackError(thrown).message }
  }
}
