import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Engine } from '#engine/createEngine.ts'

/** What commands run on when no model is named: it came with the Studio. */
export const DEFAULT_MODEL = 'starter-transformer'

/** `--model` takes the id of an installed model, a folder or a GGUF file; those are added for this run. */
export function resolveModel(engine: Engine, model: string): string {
  const { models } = engine.state
  if (models.entries().some(entry => entry.id === model)) return model
  const folder = resolve(model)
  if (!existsSync(folder)) return model
  return models.addFolder(folder)
}
