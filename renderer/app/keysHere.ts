const MOD_KEY = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl'

/** A shortcut as it is printed on the keyboard here: `Mod+K` as `⌘ K` on Apple's machines, else `Ctrl K`. */
export function keysHere(keys: string): string {
  return keys.replace('Mod', MOD_KEY).replaceAll('+', ' ')
}
