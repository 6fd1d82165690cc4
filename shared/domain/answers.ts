/** Whether a generated line is the expected answer: its final full stop does not count. */
export function isAnswer(line: string, expected: string): boolean {
  return plain(line) === plain(expected)
}

/** Whether it is what the starter models were taught to say when the text has no answer. */
export function isRefusal(line: string): boolean {
  return isAnswer(line, "I don't know")
}

/** Whether a text says an answer, word for word; where lines break and how letters are written does not count. */
export function holdsAnswer(text: string, answer: string): boolean {
  const words = (of: string) =>
    ` ${
      of
        .toLowerCase()
        .match(/[\p{L}\p{N}:.,'’-]*[\p{L}\p{N}]/gu)
        ?.join(' ') ?? ''
    } `
  const said = words(plain(answer))
  return said.trim() !== '' && words(text).includes(said)
}

function plain(line: string): string {
  return line.trim().replace(/\.$/, '')
}
