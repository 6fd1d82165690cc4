import { FileInput, LibraryBig, Plus, SearchX } from 'lucide-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useStore } from 'zustand'
import { useVerbs } from '../../app/cartridgeVerbs.ts'
import { Page } from '../../app/Page.tsx'
import { runCommand } from '../../app/runCommand.ts'
import { sameCartridges } from '../../app/sameCartridges.ts'
import { useUi } from '../../app/uiStore.ts'
import { useMedia } from '../../app/useMedia.ts'
import { isFiltered } from '../../stores/libraryStore.ts'
import { useStudio } from '../../stores/studio.ts'
import { useCartridgeCount, useLibrary } from '../../stores/useLibrary.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount } from '../../ui/format.ts'
import { Sheet } from '../../ui/Sheet.tsx'
import { CartridgeList, type Layout } from './CartridgeList.tsx'
import { ChoosingNote } from './ChoosingNote.tsx'
import { CollectionPane } from './CollectionPane.tsx'
import { DetailsPane } from './DetailsPane.tsx'
import { LibraryFilters } from './LibraryFilters.tsx'
import { SelectionPane } from './SelectionPane.tsx'
import './library.css'

const LAYOUT_KEY = 'studio.library.layout'
const openImport = () => runCommand('import')

/** All cartridges: find one, look at it, and everything one does to it as a whole. */
export function LibraryPage() {
  const { library } = useStudio()
  const navigate = useNavigate()
  const pages = useLibrary()
  const { items, error } = pages
  const [newest] = pages.answers
  const total = newest?.total
  const all = useCartridgeCount()
  const filtered = useStore(library, s => isFiltered(s.filter))
  const selected = useStore(library, s => s.selected)
  const isChoosing = useStore(library, s => s.choosing !== null)
  const [layout, setLayout] = useState<Layout>(localStorage.getItem(LAYOUT_KEY) === 'list' ? 'list' : 'grid')
  const [sheet, setSheet] = useState(false)
  const narrow = useMedia('(max-width: 800px)')
  const verb = useVerbs()
  const setRenaming = useUi(ui => ui.setRenaming)
  const shown = selected.at(-1)
  const [first, ...others] = selected
  const whole = items.find(item => item?.stack != null && sameCartridges(item.stack.packetIds, selected))

  const pane =
    whole?.stack != null ? (
      <CollectionPane key={whole.stack.id} id={whole.stack.id} onRename={() => setRenaming(whole)} />
    ) : first !== undefined && others.length > 0 ? (
      <SelectionPane items={items} packetIds={[first, ...others]} onClear={() => library.getState().select([])} />
    ) : shown === undefined ? null : (
      <DetailsPane key={shown} packetId={shown} />
    )

  return (
    <Page
      title="Library"
      fill
      actions={
        <>
          <Button icon={<FileInput aria-hidden />} onPress={openImport}>
            Import
          </Button>
          <Button variant="primary" icon={<Plus aria-hidden />} onPress={() => navigate('/new')}>
            New cartridge
          </Button>
        </>
      }
    >
      <LibraryFilters
        facets={newest?.facets}
        layout={layout}
        onLayout={next => {
          localStorage.setItem(LAYOUT_KEY, next)
          setLayout(next)
        }}
      />
      {error !== null && total === undefined ? (
        <ErrorPanel error={error} action={{ label: 'Try again', onPress: pages.reload }} />
      ) : all === 0 && total === 0 ? (
        <EmptyState
          icon={<LibraryBig />}
          title="No cartridges yet"
          actions={
            <>
              <Button variant="primary" onPress={() => navigate('/new')}>
                Read a text
              </Button>
              <Button onPress={openImport}>Import a .cartridge</Button>
            </>
          }
        >
          A cartridge is what a model remembers after reading a text. Read it once, then ask as often as you like
          without reading it again. Drop a document anywhere in this window to begin.
        </EmptyState>
      ) : total === 0 ? (
        <EmptyState
          icon={<SearchX />}
          title="Nothing matches"
          actions={
            <Button onPress={() => library.getState().setFilter(NO_FILTER)}>
              Show all{all === undefined ? '' : ` ${formatCount(all)}`}
            </Button>
          }
        >
          {filtered
            ? 'No cartridge has these words in its name, its card or its text, and passes the chosen filters.'
            : 'No cartridge has these words in its name, its card or its text.'}
        </EmptyState>
      ) : (
        <div className={`Library-split${pane === null || narrow ? ' Library-split--single' : ''}`}>
          <div className="Library-list">
            <CartridgeList
              layout={layout}
              pages={pages}
              onVerb={verb}
              onRename={setRenaming}
              onDetails={narrow ? () => setSheet(true) : undefined}
            />
            <ChoosingNote />
          </div>
          {/* It is about what was chosen before. */}
          {narrow ? null : (
            <div className="Library-pane" inert={isChoosing}>
              {pane}
            </div>
          )}
        </div>
      )}
      {narrow ? (
        <Sheet title="Cartridge" isOpen={sheet && pane !== null} onClose={() => setSheet(false)}>
          {pane}
        </Sheet>
      ) : null}
    </Page>
  )
}

const NO_FILTER = {
  query: '',
  kind: undefined,
  model: undefined,
  tag: undefined,
  trust: undefined,
  verified: undefined,
} as const
