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
export function withBlankLine(text: string): string {
  return `${text.replace(/\n+$/, '')}\n\n`
}

/** System prompt and sources in reading order, a blank line between two. */
export function plainText(systemPrompt: string | null | undefined, texts: readonly string[]): string {
  const parts = [...(systemPrompt ? [systemPrompt] : []), ...texts]
  return parts.map((part, index) => (index === parts.length - 1 ? part : withBlankLine(part))).join('')
}
