/** Reads config.json strictly: every field is used, known to be irrelevant to inference, or refused by name. */
import { join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import { parsePythonJson } from '../sources/configJson.ts'
import { CONFIG_FILE, readModelFile } from '../sources/modelFile.ts'

/** Fields that say nothing about the forward pass: training, generation defaults, provenance, other heads. */
const IRRELEVANT = new Set(
  `architectures model_type torch_dtype dtype transformers_version use_cache initializer_range bos_token_id eos_token_id
  pad_token_id sep_token_id decoder_start_token_id cls_token_id unk_token_id mask_token_id attention_dropout hidden_dropout attn_pdrop embd_pdrop
  resid_pdrop dropout hidden_dropout_prob attention_probs_dropout_prob classifier_dropout pretraining_tp auto_map id2label label2id num_labels problem_type finetuning_task
  task_specific_params output_attentions output_hidden_states output_scores return_dict return_dict_in_generate torchscript tokenizer_class prefix
  bad_words_ids do_sample early_stopping max_length min_length max_new_tokens num_beams num_beam_groups diversity_penalty temperature top_k top_p typical_p
  repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size num_return_sequences chunk_size_feed_forward exponential_decay_length_penalty
  suppress_tokens begin_suppress_tokens forced_bos_token_id forced_eos_token_id remove_invalid_values tf_legacy_loss
  cache_implementation init_method max_sequence_length is_llama_config attn_implementation use_flash_attn use_flash_attention_2 use_bfloat16 gradient_checkpointing license language model_name tokenizer_name
  rescale_prenorm_residual residual_in_fp32 time_step_floor time_step_init_scheme time_step_max time_step_min
  time_step_scale use_mambapy use_associative_scan use_mamba_kernels chunk_size fused_add_norm pad_vocab_size_multiple vocab_pad_multiple`.split(
    /\s+/,
  ),
)
/** Fields of the base class that change nothing at these values, written out by old versions. */
const NEUTRAL: Readonly<Record<string, readonly string[]>> = {
  is_decoder: ['true', 'false'],
  is_encoder_decoder: ['false'],
  add_cross_attention: ['false'],
  tie_encoder_decoder: ['false'],
  pruned_heads: ['{}'],
}
const IRRELEVANT_PREFIX = /^(_|summary_|unsloth_|transformers\.js)/

/** Far more than any model has. */
export const MOST_LAYERS = 4096

/** The section of config.json that describes the language model of one that also sees or hears. */
export const TEXT_CONFIG = 'text_config'

/** config.json of a model folder: the raw bytes (kept in every cartridge) and its fields. */
export interface RawConfig {
  readonly bytes: Uint8Array
  readonly fields: Readonly<Record<string, unknown>>
}

/** Throws `E_UNKNOWN_MODEL` when the folder has no config.json and `E_MODEL_CONFIG` when it is not a JSON object. */
export async function readConfig(folder: string): Promise<RawConfig> {
  const bytes = await readModelFile(join(folder, 'config.json'), CONFIG_FILE).catch((error: unknown) => {
    if (error instanceof StatePackError) throw error
    throw new StatePackError(
      'E_UNKNOWN_MODEL',
      `There is no model in ${folder}: config.json cannot be read.`,
      { folder },
      error,
    )
  })
  return { bytes, fields: parsePythonJson(bytes) }
}

function configError(field: string, problem: string): StatePackError {
  return new StatePackError('E_MODEL_CONFIG', `config.json: ${field} ${problem}.`, { field })
}

/** Typed access to config.json that remembers what was read, so that {@link ConfigFields.finish} finds the rest. */
export class ConfigFields {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #path: string
  readonly #read = new Set<string>()
  /** A whole model's fields, which may have harmless ones among them; nested settings may not. */
  readonly #isModel: boolean

  constructor(fields: Readonly<Record<string, unknown>>, path = '') {
    this.#fields = fields
    this.#path = path
    this.#isModel = path === '' || path === `${TEXT_CONFIG}.`
  }

  /**
   * A positive integer up to `most`; `fallback` when absent or null. Without a fallback its absence is refused. The bounds
   * are far above any real model: they keep a hostile file from making tables of gigabytes.
   */
  count(name: string, fallback?: number, most = 2 ** 24): number {
    const value = this.#get(name) ?? fallback
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > most) {
      throw this.#error(name, `must be an integer from 1 to ${most}, it is ${show(value)}`)
    }
    return value
  }

  /** How many layers there are. */
  layers(name: string, fallback?: number): number {
    return this.count(name, fallback, MOST_LAYERS)
  }

  number(name: string, fallback?: number): number {
    const value = this.#get(name) ?? fallback
    if (typeof value !== 'number' || Number.isNaN(value))
      throw this.#error(name, `must be a number, it is ${show(value)}`)
    return value
  }

  /** A finite number above zero. */
  positive(name: string, fallback?: number): number {
    const value = this.number(name, fallback)
    if (!(value > 0 && Number.isFinite(value))) throw this.#error(name, `must be above zero, it is ${show(value)}`)
    return value
  }

  /** A list of as many numbers as the fallback has. */
  numbers(name: string, fallback: readonly number[]): readonly number[] {
    const list = this.#get(name) ?? fallback
    const numbers = Array.isArray(list) ? list.filter((each): each is number => Number.isFinite(each)) : []
    if (!Array.isArray(list) || list.length !== fallback.length || numbers.length !== list.length) {
      throw this.#error(name, `must be ${fallback.length} numbers, it is ${show(list)}`)
    }
    return numbers
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#get(name) ?? fallback
    if (typeof value !== 'boolean') throw this.#error(name, `must be true or false, it is ${show(value)}`)
    return value
  }

  /** One of `choices`; anything else is refused with the list. */
  choice<const T extends string>(name: string, choices: readonly T[], fallback: NoInfer<T>): T {
    const value = this.#get(name) ?? fallback
    const found = choices.find(choice => choice === value)
    if (found === undefined) throw this.#error(name, `is ${show(value)}; supported: ${choices.join(', ')}`)
    return found
  }

  /** `layer_types`: one of `choices` for each layer, or null when the file has no list. */
  layerTypes<const T extends string>(layers: number, choices: readonly T[], name = 'layer_types'): T[] | null {
    const list = this.#get(name) ?? null
    if (list === null) return null
    if (!Array.isArray(list) || list.length !== layers) throw this.#error(name, `must list ${layers} layers`)
    return list.map((value: unknown) => {
      const found = choices.find(choice => choice === value)
      if (found === undefined) throw this.#error(name, `has ${show(value)}; supported: ${choices.join(', ')}`)
      return found
    })
  }

  /** True when the file has the field, be it null. */
  given(name: string): boolean {
    return Object.hasOwn(this.#fields, name)
  }

  /** The raw value, null when absent. */
  any(name: string): unknown {
    return this.#get(name) ?? null
  }

  /** A nested object, or null when absent. */
  object(name: string): ConfigFields | null {
    const value = this.#get(name) ?? null
    if (value === null) return null
    if (typeof value !== 'object' || Array.isArray(value))
      throw this.#error(name, `must be an object, it is ${show(value)}`)
    return new ConfigFields({ ...value }, `${this.#path}${name}.`)
  }

  /** The field must be absent, null or equal to one of `values`: other values would change the result. */
  must(name: string, ...values: unknown[]): void {
    const value = this.#get(name) ?? null
    if (value !== null && !values.includes(value)) throw this.#error(name, `is ${show(value)}, which is not supported`)
  }

  /** A field that repeats what others say must agree with them. */
  agrees(name: string, expected: number): void {
    const value = this.#get(name) ?? null
    if (value !== null && value !== expected)
      throw this.#error(name, `is ${show(value)}, and the other fields say ${expected}`)
  }

  error(name: string, problem: string): StatePackError {
    return this.#error(name, problem)
  }

  /** Refuses the first field that nothing above has read. */
  finish(): void {
    for (const [name, value] of Object.entries(this.#fields)) {
      if (value === null || this.#read.has(name)) continue
      if (this.#isModel && harmless(name, value)) continue
      throw this.#error(name, `(${show(value)}) is not a supported field of this architecture`)
    }
  }

  #get(name: string): unknown {
    this.#read.add(name)
    return this.#fields[name]
  }

  #error(name: string, problem: string): StatePackError {
    return configError(`${this.#path}${name}`, problem)
  }
}

function harmless(name: string, value: unknown): boolean {
  if (IRRELEVANT.has(name) || IRRELEVANT_PREFIX.test(name)) return true
  return Object.hasOwn(NEUTRAL, name) && NEUTRAL[name]?.includes(JSON.stringify(value)) === true
}

function show(value: unknown): string {
  return (typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'absent')).slice(0, 80)
}
