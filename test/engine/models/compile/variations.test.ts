import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRuntime } from '#engine/inference/runtime.ts'
import { ACTIVATIONS } from '#engine/models/compile/activation.ts'
import { readConfig } from '#engine/models/compile/config.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { tensorShapes, writeGeneratedCheckpoint } from '../../../model/generatedCheckpoint.ts'
import { maxAbsDiff, readGoldenTensors } from '../../../model/goldenTensors.ts'
import { oracleLogits } from '../../../model/oracle.ts'
import { weightsOf } from '../../../model/oracleParts.ts'
import { readSafetensorsFile } from '../../../model/safetensorsFile.ts'

const RUNS = process.env.DEEP ? 300 : 12
let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'variations-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** Largest difference of any logit from the oracle's, the sequence fed in two pieces. */
async function difference(config: Record<string, unknown>, seed: number): Promise<number> {
  const folder = join(root, 'model')
  await writeGeneratedCheckpoint(folder, config, seed)
  const tokens = Array.from({ length: 13 }, (_, i) => (i * 17 + seed) % Number(config.vocab_size))
  const expected = oracleLogits(config, weightsOf(await readSafetensorsFile(join(folder, 'model.safetensors'))), tokens)
  const runtime = await openRuntime(await openModel(folder), { device: 'cpu', threads: 1 })
  try {
    const session = runtime.newSession()
    const first = await session.append(tokens.slice(0, 6), { logits: 'all' })
    const rest = await session.append(tokens.slice(6), { logits: 'all' })
    return Math.max(
      ...expected
        .flat()
        .map((value, index) =>
          Math.abs(value - ((index < first.length ? first[index] : rest[index - first.length]) ?? Number.NaN)),
        ),
    )
  } finally {
    await runtime.dispose()
  }
}

const activation = fc.constantFrom(...ACTIVATIONS.filter(name => name !== 'linear'))
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const seed = fc.integer({ min: 1, max: 1e6 })

const llamaFields = {
  hidden_size: fc.constantFrom(16, 24, 40),
  intermediate_size: fc.constantFrom(20, 33),
  num_hidden_layers: fc.constantFrom(1, 3),
  heads: fc.constantFrom([2, 1], [4, 2], [4, 4], [3, 3], [6, 2]),
  head_dim: fc.constantFrom(4, 6, 8, 12, 20, 32),
  vocab_size: fc.constantFrom(31, 64),
  rms_norm_eps: fc.constantFrom(1e-5, 1e-6, 1e-3),
  rope_theta: fc.constantFrom(100, 10000, 1e6),
  hidden_act: activation,
  tie_word_embeddings: fc.boolean(),
  max_position_embeddings: fc.constantFrom(16, 300, 131072),
}

const FAMILIES: Readonly<Record<string, fc.Arbitrary<Record<string, unknown>>>> = {
  gpt2: fc
    .record({
      model_type: fc.constant('gpt2'),
      heads: fc.constantFrom([1, 8], [3, 6], [2, 20], [4, 4]),
      n_inner: fc.constantFrom(null, 24, 50),
      n_layer: fc.constantFrom(1, 2),
      n_positions: fc.constantFrom(16, 40),
      vocab_size: fc.constantFrom(33, 64),
      activation_function: activation,
      layer_norm_epsilon: fc.constantFrom(1e-5, 1e-2),
      scale_attn_weights: optional(fc.boolean()),
      scale_attn_by_inverse_layer_idx: optional(fc.boolean()),
      reorder_and_upcast_attn: optional(fc.boolean()),
      tie_word_embeddings: optional(fc.boolean()),
    })
    .map(({ heads: [count = 1, dim = 8], ...fields }) => ({ ...fields, n_head: count, n_embd: count * dim })),
  llama: fc
    .record({ model_type: fc.constant('llama'), ...llamaFields, attention_bias: fc.boolean(), mlp_bias: fc.boolean() })
    .map(withHeads),
  mistral: fc
    .record({ model_type: fc.constant('mistral'), ...llamaFields, sliding_window: fc.constantFrom(null, 1, 4, 100) })
    .map(withHeads),
  qwen2: fc
    .record({
      model_type: fc.constant('qwen2'),
      ...llamaFields,
      sliding_window: fc.constantFrom(null, 5),
      use_sliding_window: fc.boolean(),
      max_window_layers: fc.constantFrom(0, 1, 28),
    })
    .filter(({ use_sliding_window: used, sliding_window: size }) => !used || size !== null)
    .map(withHeads),
  qwen3: fc.record({ model_type: fc.constant('qwen3'), ...llamaFields, attention_bias: fc.boolean() }).map(withHeads),
  mamba: fc.record({
    model_type: fc.constant('mamba'),
    hidden_size: fc.constantFrom(16, 24),
    expand: fc.constantFrom(1, 2, 3),
    state_size: fc.constantFrom(4, 7, 16),
    num_hidden_layers: fc.constantFrom(1, 2),
    conv_kernel: fc.constantFrom(2, 3, 4, 5),
    time_step_rank: fc.constantFrom('auto', 3),
    vocab_size: fc.constantFrom(33, 64),
    use_bias: fc.boolean(),
    use_conv_bias: fc.boolean(),
    hidden_act: activation,
    tie_word_embeddings: optional(fc.boolean()),
    layer_norm_epsilon: fc.constantFrom(1e-5, 1e-3),
  }),
  mamba2: fc
    .record({
      model_type: fc.constant('mamba2'),
      shape: fc.constantFrom(
        [16, 2, 4, 8, 1],
        [16, 2, 4, 8, 2],
        [16, 2, 4, 8, 4],
        [24, 2, 6, 8, 3],
        [24, 1, 2, 12, 1],
        [10, 2, 2, 10, 1],
      ),
      state_size: fc.constantFrom(4, 9, 16),
      num_hidden_layers: fc.constantFrom(1, 2),
      conv_kernel: fc.constantFrom(2, 3, 4),
      vocab_size: fc.constantFrom(33, 64),
      use_bias: fc.boolean(),
      use_conv_bias: fc.boolean(),
      hidden_act: activation,
      tie_word_embeddings: optional(fc.boolean()),
      time_step_limit: fc.constantFrom(undefined, [0.05, 0.2], [0, 0.1]),
    })
    .map(({ shape: [hidden_size, expand, num_heads, head_dim, n_groups], ...fields }) => ({
      ...fields,
      hidden_size,
      expand,
      num_heads,
      head_dim,
      n_groups,
    })),
}

const multiplier = fc.constantFrom(1, 0.5, 1.7)
const granite = {
  embedding_multiplier: fc.constantFrom(1, 6),
  residual_multiplier: multiplier,
  logits_scaling: fc.constantFrom(1, 2),
  attention_multiplier: fc.constantFrom(0.2, 1),
}
const layersOf = (...kinds: string[]) => fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 4 })
/** What hybrids share; `layer_types` says how many layers there are. */
const hybridFields = {
  ...{ ...llamaFields, num_hidden_layers: fc.constant(1), head_dim: fc.constantFrom(4, 8, 12) },
  attention_bias: fc.boolean(),
}
const mambaFields = {
  mamba: fc.constantFrom([4, 8, 1], [4, 8, 2], [2, 16, 1], [8, 4, 4], [6, 4, 3]),
  mamba_d_state: fc.constantFrom(4, 9, 16),
  mamba_d_conv: fc.constantFrom(2, 4),
  mamba_proj_bias: fc.boolean(),
  mamba_conv_bias: fc.boolean(),
  time_step_limit: fc.constantFrom(undefined, [0.05, 0.2]),
}

function withLayers<T extends { layer_types: readonly string[] }>(fields: T) {
  return { ...fields, num_hidden_layers: fields.layer_types.length }
}

/** Heads, head size and groups of the Mamba part; its width is twice the model's, or its own. */
function withMamba<T extends { mamba: readonly number[] }>({ mamba: [heads = 1, dim = 1, groups], ...fields }: T) {
  const shape = { mamba_n_heads: heads, mamba_d_head: dim, mamba_n_groups: groups }
  return { ...fields, ...shape, mamba_expand: 2, hidden_size: (heads * dim) / 2 }
}

const NEWER: Readonly<Record<string, fc.Arbitrary<Record<string, unknown>>>> = {
  gemma3: fc
    .record({
      model_type: fc.constant('gemma3_text'),
      ...llamaFields,
      hidden_act: fc.constant(undefined),
      hidden_activation: activation,
      attention_bias: fc.boolean(),
      query_pre_attn_scalar: fc.constantFrom(4, 24, 256),
      sliding_window: fc.constantFrom(1, 3, 100),
      sliding_window_pattern: fc.constantFrom(1, 2, 3),
      rope_local_base_freq: fc.constantFrom(100, 10000),
      final_logit_softcapping: fc.constantFrom(null, 3),
    })
    .map(withHeads),
  phi3: fc
    .record({
      model_type: fc.constant('phi3'),
      ...{ ...llamaFields, head_dim: fc.constantFrom(8, 16, 24) },
      partial_rotary_factor: fc.constantFrom(undefined, 1, 0.75, 0.5),
      sliding_window: fc.constantFrom(null, 4),
    })
    .map(withHeads),
  smollm3: fc
    .record({
      model_type: fc.constant('smollm3'),
      ...llamaFields,
      ...{ attention_bias: fc.boolean(), mlp_bias: fc.boolean(), sliding_window: fc.constantFrom(null, 3) },
      no_rope_layer_interval: fc.constantFrom(1, 2, 4),
      no_rope_layers: fc.constantFrom(undefined, [1, 0, 1]),
      use_sliding_window: fc.boolean(),
    })
    .map(withHeads),
  granite: fc
    .record({
      model_type: fc.constant('granite'),
      ...{ ...llamaFields, ...granite, attention_bias: fc.boolean(), mlp_bias: fc.boolean() },
    })
    .map(withHeads),
  olmo2: fc.record({ model_type: fc.constant('olmo2'), ...llamaFields, attention_bias: fc.boolean() }).map(withHeads),
  lfm2: fc
    .record({
      model_type: fc.constant('lfm2'),
      ...{ ...hybridFields, attention_bias: fc.constant(undefined), hidden_act: fc.constant(undefined) },
      ...{ rms_norm_eps: fc.constant(undefined), norm_eps: fc.constantFrom(1e-5, 1e-3) },
      layer_types: layersOf('conv', 'full_attention'),
      conv_L_cache: fc.constantFrom(2, 3, 4),
      conv_bias: fc.boolean(),
      block_auto_adjust_ff_dim: fc.constant(false),
    })
    .map(withLayers)
    .map(withHeads),
  falcon_h1: fc
    .record({
      model_type: fc.constant('falcon_h1'),
      ...{ ...hybridFields, ...mambaFields, num_hidden_layers: fc.constantFrom(1, 2), mlp_bias: fc.boolean() },
      mamba_d_ssm: fc.constantFrom(null),
      ...{ mamba_rms_norm: fc.boolean(), mamba_norm_before_gate: fc.boolean(), projectors_bias: fc.boolean() },
      ...{ embedding_multiplier: multiplier, lm_head_multiplier: multiplier, key_multiplier: multiplier },
      ...{ attention_in_multiplier: multiplier, attention_out_multiplier: multiplier },
      ...{ ssm_in_multiplier: multiplier, ssm_out_multiplier: multiplier },
      mlp_multipliers: fc.constantFrom(null, [0.9, 1.1]),
      ssm_multipliers: fc.constantFrom(null, [0.7, 0.8, 0.9, 1.1, 1.2]),
    })
    .map(withMamba)
    .map(withHeads),
  granitemoehybrid: fc
    .record({
      model_type: fc.constant('granitemoehybrid'),
      ...{ ...hybridFields, ...mambaFields, ...granite, num_local_experts: fc.constant(0) },
      shared_intermediate_size: fc.constantFrom(20, 33),
      layer_types: layersOf('mamba', 'attention'),
      position_embedding_type: fc.constantFrom('rope', 'nope', undefined),
    })
    .map(withMamba)
    .map(withLayers)
    .map(withHeads),
  qwen3_5: fc
    .record({
      model_type: fc.constant('qwen3_5_text'),
      ...{ ...hybridFields, head_dim: fc.constantFrom(16, 24, 32) },
      layer_types: layersOf('linear_attention', 'full_attention'),
      partial_rotary_factor: fc.constantFrom(undefined, 0.5, 1),
      delta: fc.constantFrom([1, 4], [2, 4], [4, 4], [2, 8]),
      linear_key_head_dim: fc.constantFrom(4, 8, 16),
      linear_value_head_dim: fc.constantFrom(4, 8, 12),
      linear_conv_kernel_dim: fc.constantFrom(2, 4),
    })
    .map(({ delta: [linear_num_key_heads, linear_num_value_heads], ...fields }) => ({
      ...{ ...fields, linear_num_key_heads, linear_num_value_heads },
    }))
    .map(withLayers)
    .map(withHeads),
}

function withHeads<T extends { heads: readonly number[] }>({
  heads: [num_attention_heads, num_key_value_heads],
  ...fields
}: T): Record<string, unknown> {
  return { ...fields, num_attention_heads, num_key_value_heads }
}

describe('every variation of a configuration gives the logits of its formulas', () => {
  test.each(Object.entries({ ...FAMILIES, ...NEWER }))('%s', async (_name, configs) => {
    await fc.assert(
      fc.asyncProperty(configs, seed, async (config, seed) => {
        const scale = 2e-4
        expect(await difference(config, seed)).toBeLessThan(scale)
      }),
      { numRuns: RUNS },
    )
  })

  test.each([
    ...[
      'gpt2',
      'llama-gqa-tied',
      'mistral-sliding',
      'qwen2',
      'qwen3',
      'mamba',
      'mamba-gelu',
      'mamba2',
      'mamba2-one-group',
      'gemma3',
    ],
    ...['phi3', 'smollm3', 'granite', 'olmo2', 'lfm2', 'falcon-h1', 'granite-hybrid', 'qwen3.5'],
  ])('the oracle itself equals the reference implementation: %s', async name => {
    const folder = resolve('test/golden', name)
    const { fields } = await readConfig(folder)
    const weights = await readSafetensorsFile(join(folder, 'model.safetensors'))
    const golden = await readGoldenTensors(join(folder, 'golden.safetensors'))
    const named = weights.map(tensor => ({ ...tensor, name: tensor.name.replace(/^transformer\./, '') }))
    const logits = oracleLogits({ ...Object(fields.rope_parameters), ...fields }, weightsOf(named), [
      ...(golden.get('tokens')?.data ?? []),
    ])
    // How far the reference is from itself when it reads one by one instead of in chunks.
    const { reference_split_error: own }: { reference_split_error: number } = JSON.parse(
      await readFile(join(folder, 'golden.json'), 'utf8'),
    )
    const limit = Math.max(1e-5, 5 * own)
    expect(maxAbsDiff(logits.flat(), golden.get('logits')?.data ?? [])).toBeLessThan(limit)
  })

  test('the oracle notices a changed weight and a changed switch', async () => {
    const config = { model_type: 'gpt2', n_embd: 16, n_head: 2, n_layer: 2, n_positions: 16, vocab_size: 32 }
    const folder = join(root, 'control')
    await writeGeneratedCheckpoint(folder, config)
    const weights = weightsOf(await readSafetensorsFile(join(folder, 'model.safetensors')))
    const plain = oracleLogits(config, weights, [1, 2, 3])
    expect(oracleLogits({ ...config, activation_function: 'relu' }, weights, [1, 2, 3])).not.toEqual(plain)
    expect(oracleLogits({ ...config, scale_attn_by_inverse_layer_idx: true }, weights, [1, 2, 3])).not.toEqual(plain)
    expect(Object.keys(tensorShapes(config)).length).toBe(weights.size)
  })
})
