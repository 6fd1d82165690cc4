import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { canonicalTensors } from '#engine/models/compile/canonicalTensors.ts'
import { compileGraph, prepareArchitecture } from '#engine/models/compile/compile.ts'
import { ConfigFields, readConfig } from '#engine/models/compile/config.ts'
import { readRope } from '#engine/models/compile/ropeScaling.ts'
import { readCheckpoint } from '#engine/models/sources/checkpoint.ts'

type Fields = Record<string, unknown>
const SHAPE = { headDim: 8, contextLength: 4096 }
const rope = (fields: Fields, shape: Parameters<typeof readRope>[1] = SHAPE) =>
  readRope(new ConfigFields(fields), shape)

describe('frequencies are those of the papers', () => {
  test('longrope: each wave has its divisor, and a temperature of the lengthening', () => {
    const short_factor = [1, 1.5, 2, 4]
    const scaling = { type: 'longrope', short_factor, long_factor: [9, 9, 9, 9] }
    const found = rope({ rope_theta: 100, original_max_position_embeddings: 1024, rope_scaling: scaling })
    const expected = short_factor.map((divisor, i) => 1 / (divisor * 100 ** ((2 * i) / 8)))
    for (const [i, value] of expected.entries()) expect(found.frequencies[i]).toBeCloseTo(value, 6)
    expect(found.magnitude).toBeCloseTo(Math.sqrt(1 + Math.log(4) / Math.log(1024)), 12)
    expect(found.contextLength).toBe(1024)
    // Of a name in older files, and with the length inside the settings.
    const older = { ...scaling, type: 'su', original_max_position_embeddings: 1024 }
    expect(rope({ rope_theta: 100, rope_scaling: older }).frequencies).toEqual(found.frequencies)
  })

  test('the length of the first training is the context where no file gives it, and 4,096 for Phi-3', () => {
    const llama3 = { rope_type: 'llama3', factor: 4, low_freq_factor: 1, high_freq_factor: 4 }
    const given = { ...llama3, original_max_position_embeddings: 4096 }
    expect(rope({ rope_scaling: llama3 }).frequencies).toEqual(rope({ rope_scaling: given }).frequencies)
    const list = [1, 1, 1, 1]
    const long = { rope_scaling: { type: 'longrope', short_factor: list, long_factor: list } }
    expect(rope(long)).toMatchObject({ magnitude: 1, contextLength: 4096 })
    const phi3 = rope(long, { ...SHAPE, contextLength: 131_072, original: 4096 })
    expect(phi3.contextLength).toBe(4096)
    expect(phi3.magnitude).toBeCloseTo(Math.sqrt(1 + Math.log(32) / Math.log(4096)), 12)
  })

  test('dynamic: none but the plain ones, up to the limit', () => {
    const plain = rope({ rope_theta: 500 })
    const dynamic = rope({ rope_theta: 500, rope_scaling: { rope_type: 'dynamic', factor: 8 } })
    expect(dynamic.frequencies).toEqual(plain.frequencies)
    expect([dynamic.magnitude, dynamic.contextLength]).toEqual([1, 4096])
  })

  test('a part of each head: the waves of a head of that size', () => {
    const part = rope({ partial_rotary_factor: 0.75 }, { ...SHAPE, headDim: 16, partial: 1 })
    expect(part.frequencies).toEqual(rope({}, { ...SHAPE, headDim: 12 }).frequencies)
    expect(() => rope({ partial_rotary_factor: 0.75 })).toThrow(/partial_rotary_factor/)
    expect(() => rope({ partial_rotary_factor: 0.4 }, { ...SHAPE, partial: 1 })).toThrow(/head_dim/)
  })
})

/** One configuration in both layouts: the graphs must be equal byte for byte. */
const LAYOUTS: Readonly<Record<string, readonly [golden: string, today: Fields, before: Fields]>> = {
  'Gemma 3 with full layers and scaling': [
    'gemma3',
    {
      layer_types: ['sliding_attention', 'full_attention', 'sliding_attention', 'full_attention'],
      rope_parameters: {
        full_attention: { rope_type: 'linear', factor: 8, rope_theta: 1e6 },
        sliding_attention: { rope_type: 'default', rope_theta: 10000 },
      },
    },
    {
      ...{ layer_types: null, sliding_window_pattern: 2, rope_parameters: null },
      ...{ rope_theta: 1e6, rope_local_base_freq: 10000, rope_scaling: { rope_type: 'linear', factor: 8 } },
    },
  ],
  'Phi-3 with longrope': [
    'phi3',
    {
      ...{ original_max_position_embeddings: 64, partial_rotary_factor: 0.5 },
      rope_parameters: {
        ...{ rope_type: 'longrope', rope_theta: 10000, partial_rotary_factor: 0.5 },
        ...{ short_factor: [1, 2, 3, 4], long_factor: [5, 6, 7, 8], original_max_position_embeddings: 64 },
      },
    },
    {
      ...{ original_max_position_embeddings: 64, partial_rotary_factor: 0.5, rope_theta: 10000, rope_parameters: null },
      rope_scaling: { type: 'longrope', short_factor: [1, 2, 3, 4], long_factor: [5, 6, 7, 8] },
    },
  ],
  'Qwen3.5 by interval': [
    'qwen3.5',
    {},
    {
      layer_types: null,
      full_attention_interval: 4,
      rope_parameters: null,
      rope_theta: 10000,
      partial_rotary_factor: 0.25,
    },
  ],
  'SmolLM3 by interval': [
    'smollm3',
    {},
    { layer_types: null, no_rope_layers: null, rope_parameters: null, rope_theta: 2e6, torch_dtype: 'float32' },
  ],
  'Granite 4 with positions': [
    'granite-hybrid',
    { position_embedding_type: 'rope' },
    {
      ...{ position_embedding_type: 'rope', layer_types: null, layers_block_type: ['mamba', 'attention', 'mamba'] },
      ...{ rope_parameters: null, rope_theta: 10000, rope_scaling: null },
    },
  ],
  'Falcon-H1 without lists': [
    'falcon-h1',
    { mlp_multipliers: [1, 1], ssm_multipliers: [1, 1, 1, 1, 1] },
    { mlp_multipliers: null, ssm_multipliers: null, rope_parameters: null, rope_theta: 10000 },
  ],
}

test.each(Object.entries(LAYOUTS))('both layouts are one graph: %s', async (_name, [golden, today, before]) => {
  const folder = resolve('test/golden', golden)
  const { fields } = await readConfig(folder)
  const compiled = async (change: Fields) => {
    const layers = prepareArchitecture({ ...fields, ...change })
    const { bytes } = compileGraph(layers, canonicalTensors(await readCheckpoint(folder), layers))
    return { graph: Buffer.from(bytes).toString('base64'), contextLength: layers.contextLength }
  }
  expect(await compiled(before)).toEqual(await compiled(today))
})
