import { allows } from '#shared/domain/trust.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'

/** Why these cartridges cannot be mixed, as a sentence; null when they can (or when there are too few to say). */
export function whyNoMix(
  parents: readonly Pick<CartridgeSummary, 'name' | 'kind' | 'model' | 'trust'>[],
): string | null {
  const positional = parents.find(parent => parent.kind !== 'ssm')
  if (positional !== undefined) {
    return `${positional.name} holds keys and values by position. Their mean would stand for no text at all: position 5 of one text has nothing to do with position 5 of another. Append or compose reads the texts one after the other instead.`
  }
  const models = [...new Set(parents.map(parent => parent.model.name))]
  if (models.length > 1)
    return `They belong to different models (${models.join(', ')}); their states have no common meaning.`
  const restricted = parents.find(parent => !allows(parent.trust, 'run'))
  if (restricted !== undefined) return `${restricted.name} came from elsewhere and is not trusted yet.`
  return null
}
