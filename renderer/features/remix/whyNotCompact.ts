import type { z } from 'zod'
import type { Origin, recipeSchema } from '#shared/domain/cartridge.ts'

type Steps = z.infer<typeof recipeSchema>['steps']

/** The steps that texts were read in: the n-th read the n-th text. Others say what became of what was read. */
export function readSteps(steps: Steps): Extract<Steps[number], { do: 'read' }>[] {
  return steps.flatMap(step => (step.do === 'read' ? [step] : []))
}

/** Why a cartridge cannot be read again as one, in a sentence; null where it may be. */
export function whyNotCompact({
  config: { origin },
  recipe,
}: {
  readonly config: { readonly origin: Pick<Origin, 'kind'> }
  readonly recipe: { readonly steps: Steps } | null
}): string | null {
  if (origin.kind === 'mix')
    return 'A mix was not read from texts: it is one state already, and there is nothing to compact.'
  const steps = recipe?.steps ?? []
  if (origin.kind === 'withheld' || steps.some(step => step.do === 'withheld'))
    return 'Who shared it left out the text that it begins with, so it cannot be read again.'
  return readSteps(steps).length < 2
    ? 'It was read in one step: it is one state already, and there is nothing to compact.'
    : null
}
