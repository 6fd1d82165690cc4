import type { CartridgeConfig, PromptSpan } from '#shared/domain/cartridge.ts'
import type { PartsRead, Tokenizer } from '../models/tokenizer/tokenizer.ts'

/** Text to be read, and whose it is: `text` is the document's own. */
export interface SourcedPart {
  readonly text: string
  readonly from: 'template' | 'system' | 'text' | 'user'
}

/**
 * What of the tokens did not come from the texts themselves: the parts of others, every control token and who wrote it, and
 * control tokens that were spelt out and read as plain text. `start`: where the tokens stand in the state.
 */
export function promptMeta(
  { specialIds }: Pick<Tokenizer, 'specialIds'>,
  { parts, read, tokens, start }: { parts: readonly SourcedPart[]; read: PartsRead; tokens: Int32Array; start: number },
): CartridgeConfig['promptMeta'] {
  const special = new Set(specialIds)
  const spans: PromptSpan[] = []
  let from = 0
  const whose = parts.map((part, index) => {
    const end = Math.max(from, Math.min(read.edges[index] ?? from, tokens.length))
    const span = { from: part.from, start: from, end }
    from = end
    return span
  })
  for (const part of whose) {
    if (part.from === 'text' || part.end === part.start) continue
    spans.push({ kind: part.from, start: start + part.start, end: start + part.end })
  }
  let controlTokensInText = 0
  let part = 0
  for (const [index, id] of tokens.entries()) {
    while (part < whose.length - 1 && index >= (whose[part]?.end ?? 0)) part++
    if (!special.has(id)) continue
    const writer = whose[part]?.from ?? 'text'
    if (writer !== 'template') controlTokensInText++
    spans.push({ kind: 'control', start: start + index, end: start + index + 1, from: writer })
  }
  for (const spelled of read.spelled) {
    if (spelled.end <= tokens.length)
      spans.push({ kind: 'spelled', start: start + spelled.start, end: start + spelled.end })
  }
  return { spans, controlTokensInText }
}
