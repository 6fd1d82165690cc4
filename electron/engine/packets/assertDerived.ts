import type { CartridgeConfig, Recipe } from '#shared/domain/cartridge.ts'
import type { ComponentId } from '#shared/domain/component.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { canonicalText } from '../canonicalJson.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import type { BlobReader } from '../store/blobReader.ts'
import { assembleAround } from './assemble.ts'
import { assertTurns } from './assertTurns.ts'
import { sameModel } from './contextId.ts'
import { cacheLayers, layersOfType, type Packet, readDocuments, readTokens } from './packet.ts'
import { replayRecipe } from './replayRecipe.ts'
import { isRounded } from './roundings.ts'

/** The components in which a false claim of the config shows, in the order in which they are looked at. */
const FIELDS: readonly (readonly [keyof CartridgeConfig, ComponentId])[] = [
  ['kind', 'cache'],
  ['tokens', 'tokens'],
  ['tail', 'tokens'],
  ['segments', 'tokens'],
  ['promptMeta', 'prompt'],
  ['attentionMask', 'mask'],
  ['position', 'position'],
  ['cache', 'cache'],
]

/**
 * Makes the cartridge again from its recipe and texts, around the numbers it brings, and compares packet_ids: so nothing in
 * it can say what its texts do not. Runs no model. The numbers themselves, its card, the names of its texts and what it says of its parents
 * are taken as given. Throws `E_NOT_RECOMPUTED` naming the component, `E_COMPONENT_MISMATCH` for another model's claims.
 */
export async function assertDerived(
  blobs: BlobReader,
  packet: Packet,
  loaded: Pick<LoadedModel, 'model'>,
): Promise<void> {
  const { config } = packet
  const { model } = loaded
  if (config.origin.kind === 'withheld')
    throw notDerived('tokens', 'its texts were withheld, so nothing shows what it has read')
  assertModel(config.model, model.fingerprint)
  const { rounded = [] } = config.cache
  if (rounded.length > 0 && (!isRounded(config.cache) || (rounded.at(-1) ?? 0) > config.tokens.count))
    throw notDerived('cache', 'it says that it was rounded where it cannot have been')
  const { recipe, sources, card } = await readDocuments(blobs, packet)
  const tokens = await readTokens(blobs, packet)
  assertParents(config, recipe)
  const { state: text, turns } = replayRecipe(loaded, { recipe, sources, tokens, origin: config.origin })
  await assertTurns(
    turns,
    sources.map(source => Buffer.from(source.text)),
  )
  const [logits] = layersOfType(packet, LAYER_TYPES.logits)
  const again = assembleAround(
    {
      ...text,
      // The name is what people call a model: two installations may call one model differently.
      model: { ...model, fingerprint: { ...model.fingerprint, name: config.model.name } },
      dtype: config.cache.dtype,
      loss: config.cache.loss,
      // Followed when the numbers are compared.
      rounded: config.cache.rounded,
      card,
      parents: config.parents,
    },
    {
      // Checked against its layers already, and against the model's when it is recomputed.
      shape: { kv: config.cache.kv, ssm: config.cache.ssm, next: config.position.next },
      cache: cacheLayers(packet),
      logits: logits ?? null,
    },
  )
  if (again.packetId === packet.packetId) return
  for (const [field, component] of FIELDS) {
    if (canonicalText(again.config[field] ?? null) === canonicalText(config[field] ?? null)) continue
    throw notDerived(component, `its texts do not give its "${field}"`)
  }
  for (const { id } of config.components) {
    const of = ({ components }: CartridgeConfig) =>
      canonicalText(components.find(component => component.id === id) ?? null)
    if (of(again.config) !== of(config))
      throw notDerived(id, `its component "${id}" is not what its texts and its model give`)
  }
  const differs = again.manifest.layers.findIndex(
    ({ digest }, place) => digest !== packet.manifest.layers[place]?.digest,
  )
  const type = packet.manifest.layers[differs]?.mediaType
  throw notDerived(
    type === LAYER_TYPES.modelConfig ? 'config' : 'tokens',
    type === LAYER_TYPES.modelConfig
      ? 'the model config it carries is not its model’s'
      : 'its recipe says more than was done',
  )
}

function assertModel(claimed: CartridgeConfig['model'], installed: CartridgeConfig['model']): void {
  if (sameModel(claimed, installed)) return
  const component: ComponentId =
    claimed.configDigest !== installed.configDigest
      ? 'config'
      : claimed.tokenizerDigest !== installed.tokenizerDigest
        ? 'tokenizer'
        : 'mixers'
  throw new StatePackError(
    'E_COMPONENT_MISMATCH',
    'This cartridge names another model than the one it is checked with.',
    {
      component,
      expected: claimed.weightsDigest,
      found: installed.weightsDigest,
    },
  )
}

/** What a cartridge says of where it comes from must be what its recipe tells. Whether those packets exist is another matter. */
function assertParents({ parents, origin }: CartridgeConfig, recipe: Recipe): void {
  const reads = recipe.steps.flatMap(step => (step.do === 'read' ? [step] : []))
  const [first] = parents
  const wrong = (what: string) => notDerived('format', what)
  if (first === undefined) {
    // What the bare model read first was appended to nothing.
    const isBare = reads[0]?.join === 'append'
    if (!isBare && reads.some(({ join }) => join === 'append'))
      throw wrong('it was grown, and names nothing it grew from')
    return
  }
  const { op } = first
  if (parents.some(parent => parent.op !== op)) throw wrong('it names parents of several operations')
  const last = recipe.steps.at(-1)
  const grows = last?.do !== 'first' && last?.do !== 'mix' && (last?.do !== 'read' || last.join === 'append')
  if (op === 'merge' || op === 'infer') {
    const delta = first.deltaDigest
    const isLast = delta === null ? last?.do !== 'read' : delta === reads.at(-1)?.source
    if (parents.length !== 1 || !grows || !isLast) throw wrong('it names parents that it cannot have grown from')
    return
  }
  if (parents.some(({ deltaDigest }) => deltaDigest !== null)) throw wrong('it names a text that it was not grown by')
  const mix = recipe.steps[0]?.do === 'mix' ? recipe.steps[0].parents : []
  if (op === 'mix') {
    const weights = origin.kind === 'mix' ? origin.parents.map(({ weight }) => weight) : []
    const same =
      mix.length === parents.length &&
      mix.every(({ packetId, weight }, place) => packetId === parents[place]?.packetId && weight === weights[place])
    if (!same || weights.length !== mix.length) throw wrong('it names other parents than were mixed')
  } else if (op === 'truncate' || parents.length !== (op === 'compose' ? reads.length : 1) || grows) {
    throw wrong('it names parents that it cannot come from')
  }
}

function notDerived(component: string, what: string): StatePackError {
  return new StatePackError(
    'E_NOT_RECOMPUTED',
    `What this cartridge has read does not follow from its texts: ${what}. It is not trusted by itself.`,
    { component },
  )
}
