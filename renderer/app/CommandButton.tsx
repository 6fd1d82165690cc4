import { Button } from 'react-aria-components'
import { Kbd } from '../ui/Kbd.tsx'
import { MOD_KEY } from './modKey.ts'
import { useUi } from './uiStore.ts'

/** Opens the command palette by mouse, and tells its shortcut. */
export function CommandButton() {
  const openPalette = useUi(ui => ui.openPalette)
  return (
    <Button className="CommandButton" onPress={() => openPalette(true)}>
      <span className="visually-hidden">Commands</span>
      <Kbd>{MOD_KEY} K</Kbd>
    </Button>
  )
}
