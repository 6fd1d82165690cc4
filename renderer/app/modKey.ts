/** `⌘` on Apple machines, else `Ctrl`: how the modifier of our shortcuts is called here. */
export const MOD_KEY = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl'
