import { type Settings, settingsSchema } from '#shared/rpc/methods/engine.ts'
import { DEFAULT_BUDGETS } from '../live/liveState.ts'
import type { Library } from '../store/library/library.ts'
import type { SettingsStore } from './engineState.ts'

export const DEFAULT_SETTINGS: Settings = {
  theme: 'system',
  device: 'auto',
  dtype: 'float16',
  defaultModel: 'starter-transformer',
  modelFolders: [],
  hubEndpoint: 'https://huggingface.co',
  coldTier: '',
  packageIndex: 'https://pypi.org/simple',
  priceId: 'gpt-4o-mini',
  onboarded: false,
  compaction: 'never',
  memory: DEFAULT_BUDGETS,
}

/** Settings live in the library, one key each; a value that no longer fits its schema falls back to the default. */
export function createSettingsStore({ settings }: Pick<Library, 'settings'>): SettingsStore {
  function get(): Settings {
    const found: Record<string, unknown> = { ...DEFAULT_SETTINGS }
    for (const [key, schema] of Object.entries(settingsSchema.shape)) {
      const parsed = schema.safeParse(settings.get(`app.${key}`))
      if (parsed.success) found[key] = parsed.data
    }
    return settingsSchema.parse(found)
  }
  return {
    get,
    set(change) {
      for (const [key, value] of Object.entries(change)) {
        if (value !== undefined) settings.set(`app.${key}`, value)
      }
      return get()
    },
  }
}
