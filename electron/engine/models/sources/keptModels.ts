import type { ModelEntry } from '../modelEntry.ts'
import { findModels, type ModelFolder, type ModelMemory } from './findModels.ts'
import { FolderView } from './folderView.ts'

/**
 * {@link findModels} for whoever asks often: as long as nothing that was looked at has changed, what was found is given again.
 * Looking whether it has takes a tenth of looking for models.
 */
export function keptModels(memory: ModelMemory): (folders: readonly ModelFolder[]) => readonly ModelEntry[] {
  let kept: { readonly asked: string; readonly view: FolderView; readonly entries: readonly ModelEntry[] } | null = null
  return folders => {
    const asked = JSON.stringify(folders)
    if (kept?.asked === asked && kept.view.isCurrent()) return kept.entries
    const view = new FolderView()
    const entries = findModels(folders, memory, view)
    kept = { asked, view, entries }
    return entries
  }
}
