/** Questions that a card lists under a heading with the word "questions": one Markdown list item each. */
export function exampleQuestions(card: string): string[] {
  const questions: string[] = []
  let inList = false
  for (const line of card.split('\n')) {
    if (/^#+\s/.test(line)) inList = /question/i.test(line)
    const item = /^\s*[-*]\s+(.+?)\s*$/.exec(line)?.[1]
    if (inList && item !== undefined) questions.push(item)
  }
  return questions
}
