import { isDeepStrictEqual } from 'node:util'
import type { ComponentId } from '#shared/domain/component.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import type { BlobSource } from '../live/unstoredPackets.ts'
import type { Model } from '../models/model.ts'
import { parsePythonJson } from '../models/sources/configJson.ts'
import { sha256 } from '../sha256.ts'
import { tokenBytes } from './contextId.ts'
import { layersOfType, type Packet, readDocuments, readTokens } from './packet.ts'
import { replayRecipe } from './replayRecipe.ts'

/** What of a model may have been edited without another number in a state: its settings, its chat template. */
const EDITED: ReadonlySet<ComponentId> = new Set(['config', 'tokenizer'])

/** Settings of config.json that no number of a state depends on. */
const COSMETIC =
  /^(_name_or_path|_attn_implementation.*|architectures|auto_map|transformers(_js)?_version|transformers\.js_config|(torch_)?dtype|use_cache|.*(dropout|_pdrop|_dropout_prob)|initializer_range|initializer_factor|pretraining_tp|gradient_checkpointing|output_.*|return_dict|(bos|eos|pad|sep|cls|unk|decoder_start)_token_id|id2label|label2id|num_labels|problem_type|finetuning_task|task_specific_params|summary_.*|max_length|min_length|do_sample|temperature|top_[kp]|repetition_penalty|unsloth_.*)$/

/**
 * How an installed model was edited since a cartridge was made with it, in words, when nothing that a state is made of has
 * changed: the same weights and geometry, and its texts still become the very same tokens. Null when that is not so.
 */
export async function editsSince(
  blobs: BlobSource,
  packet: Packet,
  model: Model,
  failed: readonly ComponentId[],
): Promise<string[] | null> {
  const { config } = packet
  const isSame = (key: 'architecture' | 'weightsDigest' | 'precision') => config.model[key] === model.fingerprint[key]
  if (!failed.every(id => EDITED.has(id))) return null
  if (!isSame('architecture') || !isSame('weightsDigest') || !isSame('precision')) return null
  const edits: string[] = []
  if (failed.includes('config')) {
    const found = await configEdits(blobs, packet, model)
    if (found === null) return null
    edits.push(...found)
  }
  if (failed.includes('tokenizer') || config.model.tokenizerDigest !== model.fingerprint.tokenizerDigest) {
    if (config.origin.kind !== 'tokens' || !(await givesSameTokens(blobs, packet, model))) return null
    edits.push('the chat template or another setting of the tokenizer')
  }
  return edits
}

/** What differs between the config files a cartridge carries and the model's; null for what a state depends on. */
async function configEdits(blobs: BlobSource, packet: Packet, model: Model): Promise<string[] | null> {
  const [config, generation] = await Promise.all(
    layersOfType(packet, LAYER_TYPES.modelConfig).map(layer => blobs.read(layer)),
  )
  if (config === undefined) return null
  const keys = differingKeys(config, model.configBytes)
  if (keys === null || !keys.every(key => COSMETIC.test(key))) return null
  const edits: string[] = []
  if (sha256(config) !== sha256(model.configBytes))
    edits.push(keys.length === 0 ? 'config.json (written otherwise, same values)' : `config.json (${keys.join(', ')})`)
  const now = model.generationConfigBytes
  const changed = generation === undefined || now === null ? generation !== (now ?? undefined) : null
  if (changed ?? (generation !== undefined && now !== null && sha256(generation) !== sha256(now)))
    edits.push('generation_config.json')
  return edits
}

function differingKeys(before: Uint8Array, after: Uint8Array): string[] | null {
  try {
    const [a, b] = [parsePythonJson(before), parsePythonJson(after)]
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(key => !isDeepStrictEqual(a[key], b[key]))
  } catch {
    return null
  }
}

async function givesSameTokens(blobs: BlobSource, packet: Packet, model: Model): Promise<boolean> {
  try {
    const [{ recipe, sources }, tokens] = await Promise.all([readDocuments(blobs, packet), readTokens(blobs, packet)])
    const { state: again } = replayRecipe({ model }, { recipe, sources, tokens, origin: packet.config.origin })
    return sha256(tokenBytes(again.tokens)) === packet.config.tokens.digest && again.tail === packet.config.tail.text
  } catch {
    return false
  }
}
