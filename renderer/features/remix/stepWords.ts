import type { z } from 'zod'
import type { recipeSchema } from '#shared/domain/cartridge.ts'
import { formatCounted } from '../../ui/format.ts'
import { textName } from '../../ui/operationWords.ts'

type Step = z.infer<typeof recipeSchema>['steps'][number]

/** Of an appended text, so much is shown. */
const SHOWN = 60

/** What a step of a recipe did; `text` is what a `read` step read. */
export function stepWords(step: Step, text: string | undefined): string {
  switch (step.do) {
    case 'read': {
      const name = textName(step.name)
      if (name === step.name || text === undefined) return name
      const line = text.trim().replaceAll(/\s+/g, ' ')
      return `${name}: ${line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line}`
    }
    case 'generated':
      return formatCounted(step.tokens, 'generated token')
    case 'first':
      return `Only the first ${formatCounted(step.tokens, 'token')}`
    case 'withheld':
      return `${step.name}, withheld`
    case 'flush':
      return 'What was held back'
    case 'mix':
      return 'A mix'
  }
}
