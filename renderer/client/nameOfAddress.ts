/** What a cartridge is likely called, by the last word of its address. */
export function nameOfAddress(address: string): string {
  const [path = ''] = address.split(/[?#]/)
  const last = path.split('/').filter(Boolean).at(-1) ?? ''
  return last.replace(/\.cartridge$/i, '').replace(/[:@].*$/, '')
}
