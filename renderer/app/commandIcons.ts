import { FileInput, Keyboard, type LucideIcon, Search, TextSearch, Undo2 } from 'lucide-react'
import type { CommandId } from '#shared/domain/commands.ts'

export const COMMAND_ICONS = {
  palette: Search,
  import: FileInput,
  undo: Undo2,
  search: TextSearch,
  shortcuts: Keyboard,
} as const satisfies Readonly<Record<CommandId, LucideIcon>>
