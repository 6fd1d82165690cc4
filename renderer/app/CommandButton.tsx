import { Button } from 'react-aria-components'
import { Kbd } from '../ui/Kbd.tsx'
import { MOD_KEY } from './modKey.ts'
import { useUi } from './uiStore.ts'

/** Opens the command palette by mouse, and tells its shortcut. */
export function CommandButton() {
  const openPalette = useUi(ui => ui.openPalette)
  return (
    <Button className="CommandButton" aria-label="Commands" onPress={() => openPalette(true)}>
      <Kbd>{MOD_KEY} K</Kbd>
    </Button>
  )
}
