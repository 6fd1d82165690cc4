import { Dialog } from '../ui/Dialog.tsx'
import { Kbd } from '../ui/Kbd.tsx'
import { MOD_KEY } from './modKey.ts'
import { useUi } from './uiStore.ts'
import { SHORTCUTS } from './useShortcuts.ts'
import './palette.css'

/** All shortcuts, on `?`. */
export function ShortcutHelp() {
  const isOpen = useUi(ui => ui.helpOpen)
  const openHelp = useUi(ui => ui.openHelp)
  return (
    <Dialog title="Keyboard shortcuts" isOpen={isOpen} onClose={() => openHelp(false)}>
      <dl className="Shortcuts">
        {SHORTCUTS.map(shortcut => (
          <div key={shortcut.keys}>
            <dt>{shortcut.does}</dt>
            <dd>
              <Kbd>{shortcut.keys.replace('Mod', MOD_KEY)}</Kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
