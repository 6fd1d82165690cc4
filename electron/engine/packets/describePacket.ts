import { hexOf } from '#shared/domain/digest.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { prefixMarks } from '../live/prefixIndex.ts'
import type { DescribePacket } from '../store/packetIndexEntry.ts'
import { contextIdOf, modelIdentity, tokensFromBytes } from './contextId.ts'
import { assertCartridge, parseConfig, parseRecipe, parseText } from './packet.ts'
import { textDigests } from './textDigests.ts'

/** What the search index knows of a cartridge: from its bytes alone, so that a rebuilt index equals the old one. */
export const describePacket: DescribePacket = async ({ manifest, config: configBytes, readLayers }) => {
  assertCartridge(manifest)
  const config = parseConfig(configBytes)
  const [tokens] = await readLayers(LAYER_TYPES.tokens)
  const [cardBytes] = await readLayers(LAYER_TYPES.card)
  const [recipeBytes] = await readLayers(LAYER_TYPES.recipe)
  const card = cardBytes === undefined ? '' : parseText(cardBytes, 'card')
  const recipe = parseRecipe(recipeBytes)
  const reads = recipe.steps.flatMap(step => (step.do === 'read' ? [step] : []))
  const withheld = recipe.steps.find(step => step.do === 'withheld')
  const names = reads.map(({ name }) => name)
  const sources = manifest.layers.filter(layer => layer.mediaType === LAYER_TYPES.source)
  return {
    contextId: contextIdOf(config),
    dtype: config.cache.dtype,
    kind: config.kind,
    title: withheld?.name ?? names[0] ?? 'Untitled',
    modelName: config.model.name,
    architecture: config.model.architecture,
    weightsDigest: config.model.weightsDigest,
    tokens: config.tokens.count,
    parents: config.parents.map(({ packetId, op }) => ({ packetId, op })),
    prefixes:
      config.origin.kind === 'tokens' && tokens !== undefined
        ? prefixMarks(modelIdentity(config.model), tokensFromBytes(tokens)).map(({ chain }) => chain)
        : [],
    card,
    // Source digests are searched too: a text is found by its SHA-256.
    recipe: [...names, recipe.systemPrompt ?? '', ...sources.map(layer => hexOf(layer.digest))].join('\n'),
    texts:
      sources.length > 0 && withheld === undefined && !config.segments.some(({ kind }) => kind === 'generated')
        ? textDigests(
            recipe.systemPrompt,
            (await readLayers(LAYER_TYPES.source)).map((bytes, place) => ({
              text: parseText(bytes, 'source text'),
              appended: reads[place]?.join === 'append',
            })),
          )
        : sources.map(({ digest }) => ({ digest, whole: false })),
  }
}
