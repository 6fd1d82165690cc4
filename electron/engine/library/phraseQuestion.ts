import type { Model } from '../models/model.ts'

/**
 * A question as the model was made to read it: its chat template when it has one, else "Question: … Answer:". After a text
 * a blank line comes first; after an answer of the model nothing, since the answer's own end closes the turn.
 */
export function phraseQuestion(
  { tokenizer }: Pick<Model, 'tokenizer'>,
  { question, before }: { question: string; before: { text: string; generated: boolean } },
): string {
  const turn =
    tokenizer?.chatTemplate == null
      ? `Question: ${question}\nAnswer:`
      : tokenizer.renderChat([{ role: 'user', content: question }], { addGenerationPrompt: true })
  if (before.generated || before.text === '' || before.text.endsWith('\n\n')) return turn
  return before.text.endsWith('\n') ? `\n${turn}` : `\n\n${turn}`
}
