import { Normalizer, SequenceNormalizer } from '@huggingface/tokenizers'
import { stageError } from './stages.ts'
import type { Stage } from './tokenizerFiles.ts'

/** No real normaliser makes a text longer than this many times (NFKD: 18). */
const MOST_GROWTH = 32

/**
 * The stages one after another, by the library; null when there are none. A text that grows without end is refused with
 * `E_TOKENIZER` before it fills the memory.
 */
export function createNormalizer(stages: readonly Stage[]): Normalizer | null {
  if (stages.length === 0) return null
  return new Chain(stages.flatMap(stepsOf))
}

function stepsOf(stage: Stage): Normalizer[] {
  const { type, content, lowercase, strip_accents: accents } = stage
  const lower = new Lowercase({ type: 'Lowercase' })
  if (type === 'Lowercase') return [lower]
  // Accents go with capitals where the file does not say.
  if (type === 'BertNormalizer' && lowercase === true)
    return [builtIn({ ...stage, lowercase: false, strip_accents: accents ?? true }), lower]
  // The library takes `$&` and the like for parts of the match; the reference takes every content as it stands.
  if (type === 'Replace' && typeof content === 'string')
    return [builtIn({ ...stage, content: content.replaceAll('$', '$$$$') })]
  return [builtIn(stage)]
}

function builtIn(stage: Stage): Normalizer {
  const [made] = new SequenceNormalizer({ type: 'Sequence', normalizers: [stage] as never[] }).normalizers
  if (made === undefined || made === null) throw stageError('normalizer', `has a stage ${stage.type} that is not known`)
  return made
}

class Chain extends Normalizer {
  readonly #steps: readonly Normalizer[]

  constructor(steps: readonly Normalizer[]) {
    super({ type: 'Sequence', normalizers: [] })
    this.#steps = steps
  }

  override normalize(text: string): string {
    const most = MOST_GROWTH * text.length + 4096
    return this.#steps.reduce((current, step) => {
      const next = normalized(step, current)
      if (next === null || next.length > most) throw stageError('normalizer', 'makes texts longer without end')
      return next
    }, text)
  }
}

/** null for a text longer than a string can be. */
function normalized(step: Normalizer, text: string): string | null {
  try {
    return step.normalize(text)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** The reference lowers every character by itself: a sigma at the end of a word stays σ. */
class Lowercase extends Normalizer {
  override normalize(text: string): string {
    return Array.from(text, character => character.toLowerCase()).join('')
  }
}
