/** Whether a generated line is the expected answer: its final full stop does not count. */
export function isAnswer(line: string, expected: string): boolean {
  return plain(line) === plain(expected)
}

/** Whether it is what the starter models were taught to say when the text has no answer. */
export function isRefusal(line: string): boolean {
  return isAnswer(line, "I don't know")
}

function plain(line: string): string {
  return line.trim().replace(/\.$/, '')
}
