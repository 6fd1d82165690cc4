/** The first words of a pasted text stand in for a file name; a line such as "Facts:" only announces them. */
export function titleOf(text: string): string {
  const lines = text.trim().split('\n', 12)
  const first = lines.find(candidate => /\S/.test(candidate) && !candidate.trimEnd().endsWith(':')) ?? lines[0] ?? ''
  const line = unpointed(first.replace(/^[#\s]+/, ''))
  return line.length <= 48 ? line : `${unpointed(line.slice(0, 48).replace(/\s+\S*$/, ''))}…`
}

function unpointed(text: string): string {
  return text.replace(/[\s:;,.#]+$/, '')
}
