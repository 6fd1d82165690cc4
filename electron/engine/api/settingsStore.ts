import { type Settings, settingsSchema } from '#shared/rpc/methods/engine.ts'
import { DEFAULT_BUDGETS } from '../live/liveState.ts'
import type { Library } from '../store/library/library.ts'
import type { SettingsStore } from './engineState.ts'

const DEFAULT_SETTINGS: Settings = {
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
      const { memory = {}, ...rest } = change
      const budgets = { ...get().memory, ...given(memory) }
      for (const [key, value] of Object.entries(given({ ...rest, memory: change.memory && budgets })))
        settings.set(`app.${key}`, value)
      return get()
    },
  }
}

function given<T extends object>(part: T): Partial<T> {
  return Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as Partial<T>
}
