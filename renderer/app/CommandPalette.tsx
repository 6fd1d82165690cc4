import { FileInput, Keyboard, MonitorCog, Search } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import {
  Autocomplete,
  Dialog,
  Header,
  Input,
  Menu,
  MenuItem,
  MenuSection,
  Modal,
  ModalOverlay,
  SearchField,
  useFilter,
} from 'react-aria-components'
import { useNavigate } from 'react-router'
import { useStudio } from '../stores/studio.ts'
import { useQuery } from '../stores/useQuery.ts'
import { CartridgeFace } from '../ui/CartridgeFace.tsx'
import { formatTokens } from '../ui/format.ts'
import { Kbd } from '../ui/Kbd.tsx'
import { toastError } from '../ui/toasts.tsx'
import { MOD_KEY } from './modKey.ts'
import { openFiles } from './openFiles.ts'
import { PLACES } from './places.ts'
import { useUi } from './uiStore.ts'
import '../ui/dialog.css'
import './palette.css'

interface Command {
  readonly id: string
  readonly title: string
  readonly words: string
  readonly icon: ReactNode
  readonly shortcut?: string
  readonly run: () => void
}

/** Ctrl/Cmd+K: places, actions and cartridges by a few typed letters. */
export function CommandPalette() {
  const isOpen = useUi(ui => ui.paletteOpen)
  const openPalette = useUi(ui => ui.openPalette)
  return (
    <ModalOverlay className="Overlay Palette-overlay" isOpen={isOpen} isDismissable onOpenChange={openPalette}>
      <Modal className="Palette">
        <Dialog aria-label="Commands" className="Dialog-inner">
          <PaletteBody />
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}

function PaletteBody() {
  const navigate = useNavigate()
  const { settings } = useStudio()
  const [text, setText] = useState('')
  const { contains } = useFilter({ sensitivity: 'base' })
  const found = useQuery('library.list', { query: text.trim(), limit: 8 })
  const close = () => useUi.getState().openPalette(false)

  const commands: readonly Command[] = [
    ...PLACES.map(place => ({
      id: place.path,
      title: place.name,
      words: `${place.name} ${place.words}`,
      icon: <place.icon aria-hidden />,
      ...(place.path === '/new' ? { shortcut: `${MOD_KEY} N` } : {}),
      ...(place.path === '/settings' ? { shortcut: `${MOD_KEY} ,` } : {}),
      run: () => void navigate(place.path),
    })),
    {
      id: 'import',
      title: 'Import a cartridge file',
      words: 'import open file cartridge',
      icon: <FileInput aria-hidden />,
      shortcut: `${MOD_KEY} O`,
      run: () => openFiles('.cartridge', files => useUi.getState().setImports(files)),
    },
    ...(['light', 'dark', 'system'] as const).map(theme => ({
      id: `theme-${theme}`,
      title: `Theme: ${theme}`,
      words: `theme appearance ${theme}`,
      icon: <MonitorCog aria-hidden />,
      run: () => void settings.getState().change({ theme }).catch(toastError),
    })),
    {
      id: 'help',
      title: 'Keyboard shortcuts',
      words: 'help keys shortcuts',
      icon: <Keyboard aria-hidden />,
      shortcut: '?',
      run: () => useUi.getState().openHelp(true),
    },
  ]
  const shown = commands.filter(command => text.trim() === '' || contains(command.words, text.trim()))
  const cartridges = found.data?.items ?? []

  return (
    <Autocomplete inputValue={text} onInputChange={setText}>
      <SearchField aria-label="Find a place, an action or a cartridge" autoFocus className="Palette-field">
        <Search aria-hidden />
        <Input placeholder="Find a place, an action or a cartridge" />
      </SearchField>
      <Menu
        className="Palette-list"
        aria-label="Commands"
        onClose={close}
        renderEmptyState={() => <p className="Palette-empty">Nothing is called that.</p>}
      >
        {cartridges.length === 0 || text.trim() === '' ? null : (
          <MenuSection>
            <Header className="Palette-section">Cartridges</Header>
            {cartridges.map(item => (
              <MenuItem
                key={item.packetId}
                id={item.packetId}
                textValue={item.name}
                className="Item"
                onAction={() => {
                  close()
                  void navigate(`/ask/${encodeURIComponent(item.packetId)}`)
                }}
              >
                <span className="Palette-face">
                  <CartridgeFace digest={item.packetId} kind={item.kind} />
                </span>
                <span className="truncate">Ask {item.name}</span>
                <span className="muted small">{formatTokens(item.tokens)} tok</span>
              </MenuItem>
            ))}
          </MenuSection>
        )}
        {shown.length === 0 ? null : (
          <MenuSection>
            <Header className="Palette-section">Commands</Header>
            {shown.map(command => (
              <MenuItem
                key={command.id}
                id={command.id}
                textValue={command.title}
                className="Item"
                onAction={() => {
                  close()
                  command.run()
                }}
              >
                {command.icon}
                <span className="truncate">{command.title}</span>
                {command.shortcut === undefined ? null : <Kbd>{command.shortcut}</Kbd>}
              </MenuItem>
            ))}
          </MenuSection>
        )}
      </Menu>
    </Autocomplete>
  )
}
