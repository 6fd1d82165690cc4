/**
 * What the whole window can be told besides going somewhere (`places.ts`): the menu bar, the keys and the palette take title
 * and keys from here, so that they say the same. `Mod` is the command key of Apple's machines and Ctrl elsewhere.
 */
export const COMMANDS = {
  palette: { title: 'Commands: find anything', words: 'palette search', keys: 'Mod+K' },
  import: { title: 'Import a .cartridge file', words: 'open', keys: 'Mod+O' },
  undo: { title: 'Undo the last deletion, from anywhere', words: 'take back restore', keys: 'Mod+Z' },
  search: { title: 'Search the library', words: 'find', keys: '/' },
  shortcuts: { title: 'Keyboard shortcuts', words: 'help keys', keys: '?' },
} as const satisfies Readonly<Record<string, { title: string; words: string; keys: string }>>

export type CommandId = keyof typeof COMMANDS

export function isCommandId(id: string): id is CommandId {
  return Object.hasOwn(COMMANDS, id)
}
