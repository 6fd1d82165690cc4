/**
 * A cartridge's name as the name of its file, and back: so a name travels with an export although it is no part of the
 * bytes. What file systems refuse is written in its full-width form, as other tools that carry names between systems do.
 */
const REFUSED = '\\/:*?"<>|'
/** From `!` on, the full-width forms of Unicode stand at this distance. */
const WIDE = 0xfee0

const widened = (char: string) => String.fromCodePoint((char.codePointAt(0) ?? 0) + WIDE)
const narrow = new Map([...REFUSED].map(char => [widened(char), char]))

/** A file name that every system takes. A name that is longer than 100 characters is cut, a leading dot left out. */
export function cartridgeFileName(name: string): string {
  const plain = [...name.normalize('NFC')]
    .map(char => (REFUSED.includes(char) ? widened(char) : char))
    .join('')
    .replace(/\p{Cc}/gu, ' ')
    .replace(/^[. ]+|[. ]+$/g, '')
  const cut = [...plain].slice(0, 100).join('').trim()
  return `${cut === '' ? 'cartridge' : cut}.cartridge`
}

/** What a file of that name was called; without the number that a browser puts behind a second download. */
export function nameInFileName(fileName: string): string {
  return [...fileName.normalize('NFC').replace(/( \(\d+\))?\.cartridge$/i, '')]
    .map(char => narrow.get(char) ?? char)
    .join('')
    .trim()
    .slice(0, 200)
}
