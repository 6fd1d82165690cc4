import { StatePackError } from '#shared/domain/error.ts'
import type { Stage } from './tokenizerFiles.ts'

/** Real tokenizers have a handful; a file that nests or lists them without end is refused before anything is built. */
const MOST_STAGES = 128

/** A stage and the stages inside it (`Sequence` lists them under `key`), in order. Throws `E_TOKENIZER` naming `field`. */
export function flattenStages(
  stage: Stage | null | undefined,
  key: 'normalizers' | 'pretokenizers' | 'processors' | 'decoders',
  field: string,
): Stage[] {
  const flat: Stage[] = []
  const waiting: unknown[] = stage === null || stage === undefined ? [] : [stage]
  for (let seen = 0; waiting.length > 0; seen++) {
    const next = waiting.pop()
    if (seen > MOST_STAGES) throw stageError(field, `has more than ${MOST_STAGES} stages`)
    if (!isStage(next)) throw stageError(field, 'has a stage without a type')
    const inner = next.type === 'Sequence' ? next[key] : null
    if (next.type !== 'Sequence') flat.push(next)
    else if (!Array.isArray(inner) || inner.length > MOST_STAGES)
      throw stageError(field, `has no usable list of ${key}`)
    else waiting.push(...inner.toReversed())
  }
  return flat
}

export function stageError(field: string, problem: string): StatePackError {
  return new StatePackError('E_TOKENIZER', `This tokenizer cannot be used: its ${field} ${problem}.`, {
    file: 'tokenizer.json',
    field,
  })
}

function isStage(value: unknown): value is Stage {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}
