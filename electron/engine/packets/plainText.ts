/** What a person gave a cartridge to read, before any chat template: the text that `base_sha256` and `base_bytes` are over. */

const BOM = '\uFEFF'

/** The text without the byte-order mark that some editors put before it: it says how bytes are read, and is not read. */
export function withoutBom(text: string): string {
  return text.startsWith(BOM) ? text.slice(BOM.length) : text
}

/** The same text as such an editor saves it. */
export function withBom(text: string): string {
  return `${BOM}${text}`
}

/** How a text is written when another source follows it. */
function withBlankLine(text: string): string {
  return `${text.replace(/\n+$/, '')}\n\n`
}

/** A source as a cartridge carries it; `appended`: read after what was there, without a gap. */
export interface ReadText {
  readonly text: string
  readonly appended?: boolean
}

/** System prompt and sources in reading order: a blank line between two, none before what was appended. */
export function plainText(systemPrompt: string | null | undefined, sources: readonly ReadText[]): string {
  const parts: readonly ReadText[] = [...(systemPrompt ? [{ text: systemPrompt }] : []), ...sources]
  return parts
    .map(({ text }, index) => {
      const next = parts[index + 1]
      return next === undefined || next.appended === true ? text : withBlankLine(text)
    })
    .join('')
}
