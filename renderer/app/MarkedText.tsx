/** A text with the letters marked that were typed, those beside each other together. */
export function MarkedText({ text, letters }: { readonly text: string; readonly letters: readonly number[] }) {
  if (letters.length === 0) return text
  const typed = new Set(letters)
  const runs: { text: string; marked: boolean }[] = []
  for (let at = 0; at < text.length; at += 1) {
    const last = runs.at(-1)
    const letter = text.charAt(at)
    if (last !== undefined && last.marked === typed.has(at)) last.text += letter
    else runs.push({ text: letter, marked: typed.has(at) })
  }
  // biome-ignore lint/suspicious/noArrayIndexKey: runs of one text never move
  return runs.map((run, at) => (run.marked ? <mark key={at}>{run.text}</mark> : <span key={at}>{run.text}</span>))
}
