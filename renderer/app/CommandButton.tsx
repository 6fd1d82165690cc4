import { Button } from 'react-aria-components'
import { COMMANDS } from '#shared/domain/commands.ts'
import { Kbd } from '../ui/Kbd.tsx'
import { keysHere } from './keysHere.ts'
import { useUi } from './uiStore.ts'

/** Opens the command palette by mouse, and tells its shortcut. */
export function CommandButton() {
  const openPalette = useUi(ui => ui.openPalette)
  return (
    <Button className="CommandButton" onPress={() => openPalette(true)}>
      <span className="visually-hidden">Commands</span>
      <Kbd>{keysHere(COMMANDS.palette.keys)}</Kbd>
    </Button>
  )
}
