import { COMMANDS } from '#shared/domain/commands.ts'
import { PLACES, type Place } from '#shared/domain/places.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { Kbd } from '../ui/Kbd.tsx'
import { VERBS, type Verb } from './cartridgeVerbs.ts'
import { keysHere } from './keysHere.ts'
import { useUi } from './uiStore.ts'
import './palette.css'

const SHORTCUTS: readonly { readonly keys?: string; readonly does: string }[] = [
  ...Object.values(COMMANDS).map(({ keys, title }) => ({ keys, does: title })),
  ...PLACES.map(({ name, ...place }: Place) => ({ keys: place.keys, does: name })),
  ...Object.values(VERBS).map((verb: Verb) => ({
    keys: verb.keys,
    does: `${verb.label} ${verb.many ? 'the selected cartridges' : 'the selected cartridge'}`,
  })),
  { keys: 'Esc', does: 'Close, or clear the selection' },
  { keys: 'F8', does: 'Go to the messages' },
]

/** All shortcuts, on `?`. */
export function ShortcutHelp() {
  const isOpen = useUi(ui => ui.helpOpen)
  const openHelp = useUi(ui => ui.openHelp)
  return (
    <Dialog title={COMMANDS.shortcuts.title} isOpen={isOpen} onClose={() => openHelp(false)}>
      <dl className="Shortcuts">
        {SHORTCUTS.map(({ keys, does }) =>
          keys === undefined ? null : (
            <div key={keys}>
              <dt>{does}</dt>
              <dd>
                <Kbd>{keysHere(keys)}</Kbd>
              </dd>
            </div>
          ),
        )}
      </dl>
    </Dialog>
  )
}
