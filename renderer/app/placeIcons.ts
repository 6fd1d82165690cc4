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
import type { PlacePath } from '#shared/domain/places.ts'

/** What stands for a place in the sidebar and the palette. */
export const PLACE_ICONS = {
  '/library': LibraryBig,
  '/community': Globe,
  '/new': Plus,
  '/ask': MessageSquare,
  '/inspect': ScanSearch,
  '/remix': Shuffle,
  '/receipts': ReceiptText,
  '/savings': ChartLine,
  '/models': Boxes,
  '/memory': Layers,
  '/server': Server,
  '/settings': Settings,
} as const satisfies Readonly<Record<PlacePath, LucideIcon>>
