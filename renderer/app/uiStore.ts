import { create } from 'zustand'
import type { Candidate } from '../client/cartridgeInput.ts'
import type { LibraryItem } from '../stores/libraryStore.ts'

type Renamed = Pick<LibraryItem, 'packetId' | 'stack'>

export interface UiState {
  readonly paletteOpen: boolean
  readonly helpOpen: boolean
  /** Files and offers waiting for the import review sheet. */
  readonly imports: readonly Candidate[]
  /** Packet ids whose export is being looked at. */
  readonly exports: readonly string[]
  /** The cartridge or collection that is being given another name. */
  readonly renaming: Renamed | null
  /** Files dropped or chosen for a new cartridge. */
  readonly sources: readonly File[]
  /** Where a model lies that was dropped, empty where a browser does not tell; null for none. */
  readonly model: string | null
  readonly openPalette: (open: boolean) => void
  readonly openHelp: (open: boolean) => void
  readonly setImports: (files: readonly Candidate[]) => void
  readonly setExports: (packetIds: readonly string[]) => void
  readonly setRenaming: (item: Renamed | null) => void
  readonly setSources: (files: readonly File[]) => void
  readonly setModel: (path: string | null) => void
}

/** What is open on top of the routes, in this window only. */
export const useUi = create<UiState>(set => ({
  paletteOpen: false,
  helpOpen: false,
  imports: [],
  exports: [],
  renaming: null,
  sources: [],
  model: null,
  openPalette: paletteOpen => set({ paletteOpen }),
  openHelp: helpOpen => set({ helpOpen }),
  setImports: imports => set({ imports }),
  setExports: exports => set({ exports }),
  setRenaming: renaming => set({ renaming }),
  setSources: sources => set({ sources }),
  setModel: model => set({ model }),
}))
