/** Parts of places that have an address of their own: the value of one parameter of the route. */
export const REMIX_PARTS = [
  { id: 'append', label: 'Append' },
  { id: 'compose', label: 'Compose' },
  { id: 'mix', label: 'Mix' },
  { id: 'compact', label: 'Compact' },
  { id: 'lineage', label: 'Lineage' },
] as const

export const SAVINGS_PARTS = [
  { id: 'measured', label: 'Measured' },
  { id: 'loop', label: 'Agent loop' },
  { id: 'calculator', label: 'Calculator' },
  { id: 'provider', label: 'Your provider' },
  { id: 'prices', label: 'Prices' },
] as const

/** In the order of the page. */
export const SETTINGS_PARTS = [
  { id: 'appearance', label: 'Appearance' },
  { id: 'running', label: 'Running models' },
  { id: 'models', label: 'Model folders and hubs' },
  { id: 'server', label: 'Shared states' },
  { id: 'money', label: 'Money' },
  { id: 'keys', label: 'Keys' },
  { id: 'about', label: 'This installation' },
] as const

export interface Place {
  readonly path: string
  readonly name: string
  /** More words by which the command palette finds it. */
  readonly words: string
  readonly keys?: string
  readonly parts?: {
    readonly parameter: string
    readonly of: readonly { readonly id: string; readonly label: string }[]
  }
}

/** The places of the window, in the order of its sidebar; the menu bar, the keys and the palette go to the same. */
export const PLACES = [
  { path: '/library', name: 'Library', words: 'cartridges packets list home' },
  { path: '/community', name: 'Community', words: 'catalogue browse hub registry share import download' },
  { path: '/new', name: 'New cartridge', words: 'create read text file pdf', keys: 'Mod+N' },
  { path: '/ask', name: 'Ask', words: 'chat question playground infer' },
  { path: '/inspect', name: 'Inspect', words: 'components heat map compare prove' },
  {
    path: '/remix',
    name: 'Remix',
    words: 'merge mix compose lineage',
    parts: { parameter: 'do', of: REMIX_PARTS },
  },
  { path: '/receipts', name: 'Receipts', words: 'verify chain log audit' },
  {
    path: '/savings',
    name: 'Savings',
    words: 'benchmark calculator money tokens',
    parts: { parameter: 'tab', of: SAVINGS_PARTS },
  },
  { path: '/models', name: 'Models', words: 'download install add' },
  { path: '/memory', name: 'Memory', words: 'tiers hot warm cold pin' },
  { path: '/server', name: 'Server', words: 'api openai endpoint agents' },
  {
    path: '/settings',
    name: 'Settings',
    words: 'theme device folders keys preferences',
    keys: 'Mod+,',
    parts: { parameter: 'section', of: SETTINGS_PARTS },
  },
] as const satisfies readonly Place[]

export type PlacePath = (typeof PLACES)[number]['path']
