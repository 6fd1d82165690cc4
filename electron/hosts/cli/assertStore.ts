import { existsSync, statSync } from 'node:fs'
import { storeLayout } from '#engine/store/layout.ts'
import { StatePackError } from '#shared/domain/error.ts'

/**
 * Refuses a folder that is named as a store and is none, before an empty one is made of it: whoever mistypes a path must not
 * be told that their library is empty. Throws `E_NOT_FOUND`.
 */
export function assertStore(folder: string): void {
  const { layoutFile, library } = storeLayout(folder)
  // What else stands in its place is for whoever opens it to say.
  const isElse = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false
  if (isElse || existsSync(layoutFile) || existsSync(library)) return
  const message = `There is no store in ${folder}. Name the folder of one with --store; \`statepack create --out ${folder}\` begins one there.`
  throw new StatePackError('E_NOT_FOUND', message, { store: folder })
}
