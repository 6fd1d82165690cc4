import type { CommandId } from '#shared/domain/commands.ts'
import { undoLast } from '../ui/toasts.tsx'
import { openFiles } from './openFiles.ts'
import { useUi } from './uiStore.ts'

/** Does a command, whoever asks for it: a key, the palette, the menu bar. False when there was nothing to do. */
export function runCommand(id: CommandId): boolean {
  const ui = useUi.getState()
  switch (id) {
    case 'palette':
      ui.openPalette(!ui.paletteOpen)
      return true
    case 'import':
      openFiles('.cartridge', files => ui.setImports(files))
      return true
    case 'undo':
      return undoLast()
    case 'search':
      document.getElementById('page-search')?.focus()
      return true
    case 'shortcuts':
      ui.openHelp(true)
      return true
  }
}
