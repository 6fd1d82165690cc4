import { StatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import { findModels } from '../models/findModels.ts'
import { modelView } from '../models/modelView.ts'
import type { EngineState } from './engineState.ts'

type Owned = 'models.list' | 'models.add' | 'models.remove'

export function modelHandlers(state: EngineState): Pick<Handlers, Owned> {
  const view = (id: string) => {
    const entry = state.models.entries().find(candidate => candidate.id === id)
    if (entry === undefined) throw new StatePackError('E_UNKNOWN_MODEL', `There is no model "${id}".`, { model: id })
    const thousand = state.meter.prefillSeconds(id, state.models.provider(), 1000)
    return modelView(state.models, { entry, prefillTokensPerSecond: thousand === null ? null : 1000 / thousand })
  }
  return {
    'models.list': async () => ({
      models: await Promise.all(state.models.entries().map(entry => view(entry.id))),
      folders: [...state.settings.get().modelFolders],
    }),
    'models.add': async ({ folder }, call) => {
      const [found] = findModels([{ folder, starter: false }])
      if (found === undefined)
        throw new StatePackError('E_UNKNOWN_MODEL', 'There is no model in this folder: it has no config.json.', {
          folder,
        })
      const { modelFolders } = state.settings.get()
      state.settings.set({ modelFolders: [...modelFolders.filter(known => known !== folder), folder] })
      const entry = state.models.entries().find(candidate => candidate.folder === found.folder)
      try {
        await state.models.open(entry?.id ?? '', call.signal)
      } catch (thrown) {
        state.settings.set({ modelFolders })
        throw thrown
      }
      state.emit('models.changed', {})
      return view(entry?.id ?? '')
    },
    'models.remove': async ({ id }) => {
      const entry = state.models.entries().find(candidate => candidate.id === id)
      if (entry === undefined) return { removed: false }
      if (entry.starter)
        throw new StatePackError('E_NOT_SUPPORTED', 'The starter models belong to the app.', { model: id })
      const { modelFolders } = state.settings.get()
      const rest = modelFolders.filter(folder => folder !== entry.folder)
      if (rest.length === modelFolders.length) {
        throw new StatePackError(
          'E_NOT_SUPPORTED',
          'This model is one of several in a folder: remove the folder in the settings.',
          { model: id },
        )
      }
      await state.models.unload()
      state.settings.set({ modelFolders: rest })
      state.emit('models.changed', {})
      return { removed: true }
    },
  }
}
