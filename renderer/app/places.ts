import {
  Boxes,
  ChartLine,
  Globe,
  Layers,
  LibraryBig,
  type LucideIcon,
  MessageSquare,
  Plus,
  ReceiptText,
  ScanSearch,
  Server,
  Settings,
  Shuffle,
} from 'lucide-react'
import { pageModules } from './pageModules.ts'

export interface Place {
  readonly path: string
  readonly name: string
  readonly icon: LucideIcon
  /** More words by which the command palette finds it. */
  readonly words: string
}

const places: readonly Place[] = [
  { path: '/library', name: 'Library', icon: LibraryBig, words: 'cartridges packets list home' },
  { path: '/community', name: 'Community', icon: Globe, words: 'catalogue browse hub registry share import download' },
  { path: '/new', name: 'New cartridge', icon: Plus, words: 'create read text file pdf' },
  { path: '/ask', name: 'Ask', icon: MessageSquare, words: 'chat question playground infer' },
  { path: '/inspect', name: 'Inspect', icon: ScanSearch, words: 'components heat map compare prove' },
  { path: '/remix', name: 'Remix', icon: Shuffle, words: 'merge mix compose lineage' },
  { path: '/receipts', name: 'Receipts', icon: ReceiptText, words: 'verify chain log audit' },
  { path: '/savings', name: 'Savings', icon: ChartLine, words: 'benchmark calculator money tokens' },
  { path: '/models', name: 'Models', icon: Boxes, words: 'download install add' },
  { path: '/memory', name: 'Memory', icon: Layers, words: 'tiers hot warm cold pin' },
  { path: '/server', name: 'Server', icon: Server, words: 'api openai endpoint agents' },
  { path: '/settings', name: 'Settings', icon: Settings, words: 'theme device folders keys preferences' },
]

/** The places of the window, in the order of the sidebar, settings last, at its foot. Only those that have a page. */
export const PLACES = places.filter(place => {
  const feature = place.path === '/new' ? 'create' : place.path.slice(1)
  return Object.keys(pageModules).some(file => file.startsWith(`../features/${feature}/`))
})
