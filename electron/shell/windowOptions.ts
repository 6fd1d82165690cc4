/** How a window of the Studio is made, as plain data. Every security setting is written out, default or not. */
import type { BrowserWindowConstructorOptions } from 'electron'
import type { WindowState } from './windowState.ts'

export interface WindowChoices {
  readonly preload: string
  readonly icon: string | undefined
  readonly state: WindowState
  readonly dark: boolean
  readonly packaged: boolean
}

export function windowOptions({ preload, icon, state, dark, packaged }: WindowChoices) {
  return {
    title: 'State Pack Studio',
    ...state.bounds,
    minWidth: 720,
    minHeight: 540,
    show: false,
    backgroundColor: dark ? '#111214' : '#fbfaf8',
    ...(icon === undefined ? {} : { icon }),
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      plugins: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      safeDialogs: true,
      devTools: !packaged,
    },
  } satisfies BrowserWindowConstructorOptions
}
