import { flattenStages, stageError } from './stages.ts'
import type { Stage } from './tokenizerFiles.ts'

/** The ids that stand before and after a text. */
export interface SurroundingIds {
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** What the post-processor of tokenizer.json puts around one text. Throws `E_TOKENIZER` naming a stage it does not know. */
export function surroundingIds(postProcessor: Stage | null | undefined): SurroundingIds {
  let found: SurroundingIds = { before: [], after: [] }
  for (const stage of flattenStages(postProcessor, 'processors', 'post_processor')) {
    const { before, after } = idsOf(stage)
    found = { before: [...before, ...found.before], after: [...found.after, ...after] }
  }
  return found
}

function idsOf(stage: Stage): SurroundingIds {
  switch (stage.type) {
    case 'ByteLevel':
      return { before: [], after: [] }
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { before: [idOf(stage.cls)], after: [idOf(stage.sep)] }
    case 'TemplateProcessing':
      return templateIds(stage)
    default:
      throw stageError('post_processor', `has a stage ${stage.type} that is not known`)
  }
}

function templateIds({ single, special_tokens: tokens }: Stage): SurroundingIds {
  const before: number[] = []
  const after: number[] = []
  let here = before
  for (const item of Array.isArray(single) ? single : []) {
    const { Sequence, SpecialToken } = { ...Object(item) }
    if (Sequence !== undefined) {
      if (here === after) throw stageError('post_processor', 'repeats the text')
      here = after
      continue
    }
    const ids: unknown = Object(Object(tokens)[String(Object(SpecialToken).id)]).ids
    if (!Array.isArray(ids) || !ids.every(isId)) throw stageError('post_processor', 'names a special token without ids')
    here.push(...ids)
  }
  if (here === before) throw stageError('post_processor', 'leaves the text out')
  return { before, after }
}

/** `["<s>", 0]` */
function idOf(value: unknown): number {
  const id: unknown = Array.isArray(value) ? value[1] : null
  if (!isId(id)) throw stageError('post_processor', 'names a special token without an id')
  return id
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
