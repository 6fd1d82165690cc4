import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import { ENGLISH } from '#shared/figures/createFigures.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import { folderNameOf } from '../live/modelRegistry.ts'
import type { Precision } from '../models/model.ts'
import type { ModelEntry } from '../models/modelEntry.ts'
import { findModels } from '../models/sources/findModels.ts'
import { convertedName } from '../models/sources/precision.ts'
import { assertFolder } from './assertFolder.ts'
import type { EngineState } from './engineState.ts'
import type { ModelSettings } from './modelSettings.ts'
import { modelView } from './modelView.ts'
import { chooseStartingPrecision } from './startingPrecision.ts'
import { tryPrecision } from './tryPrecision.ts'

type Owned = 'models.list' | 'models.add' | 'models.remove' | 'models.setPrecision'

export function modelHandlers(state: EngineState, settings: ModelSettings): Pick<Handlers, Owned> {
  const downloaded = join(state.folders.data, 'models')
  const convertedFolder = (id: string) => join(state.folders.data, 'converted', folderNameOf(id))
  const find = (id: string) => {
    const entry = state.models.entries().find(candidate => candidate.id === id)
    if (entry === undefined) throw new StatePackError('E_UNKNOWN_MODEL', `There is no model "${id}".`, { model: id })
    return entry
  }
  const view = (entry: ModelEntry) => {
    const thousand = state.meter.prefillSeconds(entry.id, state.models.provider(), 1000)
    return modelView(state.models, {
      entry,
      downloaded: dirname(entry.folder) === downloaded,
      prefillTokensPerSecond: thousand === null ? null : 1000 / thousand,
      precisionReason: settings.reasonOf(entry.folder),
    })
  }
  return {
    'models.list': async () => ({
      models: await Promise.all(state.models.entries().map(view)),
      folders: [...state.settings.get().modelFolders],
    }),
    'models.add': async ({ folder }, call) => {
      assertFolder(folder)
      const usable = await state.models.tryFolder(folder, call.signal, call.progress)
      // Only now: a folder that cannot be opened must not be met again at the next start.
      const { modelFolders } = state.settings.get()
      state.settings.set({ modelFolders: [...modelFolders.filter(known => known !== folder), folder] })
      const entry = state.models.entries().find(candidate => candidate.folder === usable)
      if (entry === undefined) throw new StatePackError('E_UNKNOWN_MODEL', 'The model is gone.', { folder })
      // A folder that was here before may have cartridges, which belong to the precision they were made at.
      const isNew = !modelFolders.includes(folder)
      if (isNew) await chooseStartingPrecision(state, settings, { entry, signal: call.signal, progress: call.progress })
      state.emit('models.changed', {})
      return view(entry)
    },
    'models.remove': async ({ id, deleteFiles }) => {
      const entry = state.models.entries().find(candidate => candidate.id === id)
      if (entry === undefined) return { removed: false }
      if (entry.starter) throw notRemovable(id, 'The starter models belong to the app.')
      if (dirname(entry.folder) === downloaded) {
        if (!deleteFiles)
          throw notRemovable(id, 'This model was downloaded: removing it deletes its files, which must be asked for.')
        await state.models.unload()
        // First what makes the folder a model: a crash in between leaves no half model in the list.
        if (!entry.folder.endsWith('.gguf')) await rm(join(entry.folder, 'config.json'), { force: true })
        await rm(entry.folder, { recursive: true, force: true })
      } else {
        const { modelFolders } = state.settings.get()
        const rest = modelFolders.filter(folder => !isFor(folder, entry.folder))
        if (rest.length === modelFolders.length)
          throw notRemovable(id, 'This model is one of several in a folder: remove the folder in the settings.')
        if (deleteFiles) throw notRemovable(id, 'Only downloaded models are deleted; this folder is your own.')
        await state.models.unload()
        state.settings.set({ modelFolders: rest })
      }
      settings.setPrecision(entry.folder, null)
      await rm(convertedFolder(id), { recursive: true, force: true })
      state.emit('models.changed', {})
      return { removed: true }
    },
    'models.setPrecision': async ({ id, precision }, call) => {
      const entry = find(id)
      const change = await tryPrecision(state, { id, precision }, call)
      if (precision !== 'float32' && change.effect !== null && change.effect.meanKl >= MOST_KL) {
        await rm(join(convertedFolder(id), convertedName(precision)), { force: true })
        throw changesTooMuch(id, precision, change.effect.meanKl)
      }
      settings.setPrecision(entry.folder, precision)
      await state.models.unload()
      state.emit('models.changed', {})
      return { model: await view(find(id)), ...change }
    },
  }
}

/** Whether a folder of the settings stands for this model alone: it is its folder, or a cache around it. */
function isFor(folder: string, model: string): boolean {
  const [only, another] = findModels([{ folder, starter: false }])
  return folder === model || (only?.folder === model && another === undefined)
}

/** Bits a token that a precision may change of what comes next: beyond that a model is no longer the one people know. */
const MOST_KL = 0.1

function changesTooMuch(model: string, precision: Precision, meanKl: number): StatePackError {
  const message = `In ${precision} "${model}" would answer too differently: ${ENGLISH.formatFixed(meanKl, 2)} bits a token on a page of text, where ${MOST_KL} are allowed. It runs as before.`
  return new StatePackError('E_NOT_SUPPORTED', message, { model, precision, meanKl })
}

function notRemovable(model: string, why: string): StatePackError {
  return new StatePackError('E_NOT_SUPPORTED', why, { model })
}
