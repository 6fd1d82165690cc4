/** The ways in which real folders lay out the same model: each must give the reference's numbers and one fingerprint. */
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parsePythonJson } from '#engine/models/sources/configJson.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { runCheckpointCase } from '../../model/goldenCheckpoint.ts'
import { type FileTensor, readSafetensorsFile, writeSafetensorsFile } from '../../model/safetensorsFile.ts'

let root = ''
let serial = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layouts-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

type Fields = Record<string, unknown>

/** A copy of a golden case whose tensors and configuration were changed. */
async function changed(
  name: string,
  change: { tensors?: (tensors: FileTensor[]) => FileTensor[]; config?: (fields: Fields) => Fields },
): Promise<string> {
  serial += 1
  const folder = join(root, `${serial}-${name}`)
  await cp(resolve('test/golden', name), folder, { recursive: true })
  const weights = join(folder, 'model.safetensors')
  if (change.tensors !== undefined)
    await writeSafetensorsFile(weights, change.tensors(await readSafetensorsFile(weights)))
  if (change.config !== undefined) {
    const path = join(folder, 'config.json')
    await writeFile(path, pythonJson(change.config(parsePythonJson(await readFile(path)))))
  }
  return folder
}

function pythonJson(fields: Fields): string {
  return JSON.stringify(fields, (_key, value: unknown) =>
    value === Number.POSITIVE_INFINITY ? { __float__: 'Infinity' } : value,
  )
}

const renamed = (tensors: readonly FileTensor[], rename: (name: string) => string) =>
  tensors.map(tensor => ({ ...tensor, name: rename(tensor.name) }))

describe('a base model saved by itself, without what stands before its names otherwise', () => {
  test.each([
    ...[
      'llama',
      'llama-gqa-tied',
      'qwen2',
      'qwen3',
      'mistral-sliding',
      'gemma3',
      'phi3',
      'smollm3',
      'granite',
      'olmo2',
    ],
    ...['mamba', 'mamba2', 'lfm2', 'falcon-h1', 'granite-hybrid', 'qwen3.5', 'gpt2'],
  ])('%s is the same model', async name => {
    const folder = await changed(name, {
      tensors: tensors => renamed(tensors, tensor => tensor.replace(/^(model|backbone|transformer)\./, '')),
    })
    expect(await runCheckpointCase(folder)).toMatchObject({ ok: true })
    const [a, b] = [await openModel(folder), await openModel(resolve('test/golden', name))]
    expect(a.fingerprint.weightsDigest).toBe(b.fingerprint.weightsDigest)
    expect(a.components).toEqual(b.components)
  })

  test('of two tensors that would have one name, none is taken', async () => {
    const folder = await changed('llama', {
      tensors: tensors => [...tensors, ...tensors.filter(({ name }) => name === 'lm_head.weight').map(twice)],
    })
    await expect(openModel(folder)).rejects.toMatchObject({ code: 'E_MODEL_WEIGHTS', message: /lm_head\.weight/ })
  })
  const twice = (tensor: FileTensor) => ({ ...tensor, name: `language_model.${tensor.name}` })
})

describe('the text part of a model that also sees', () => {
  const vision = { name: 'vision_tower.patch.weight', dtype: 'F32', shape: [2], bytes: new Uint8Array(8) }
  const wrapped = (outer: string) => (fields: Fields) => {
    const { tie_word_embeddings: tied, ...text } = fields
    return {
      model_type: outer,
      vision_config: { depth: 2 },
      image_token_id: 3,
      tie_word_embeddings: tied,
      text_config: text,
    }
  }

  test.each([
    ['gemma3', 'gemma3', 'model.language_model.', ''],
    ['gemma3', 'gemma3', 'language_model.model.', 'language_model.'],
    ['qwen3.5', 'qwen3_5', 'model.language_model.', ''],
    ['llama', 'llava', 'language_model.model.', 'language_model.'],
    ['mistral-no-window', 'mistral3', 'language_model.model.', 'language_model.'],
    ['lfm2', 'lfm2_vl', 'model.language_model.', ''],
  ])('%s inside %s under %s is read, the rest is left', async (name, outer, base, head) => {
    const folder = await changed(name, {
      config: wrapped(outer),
      tensors: tensors => [
        vision,
        ...renamed(tensors, tensor => (tensor === 'lm_head.weight' ? head + tensor : tensor.replace(/^model\./, base))),
      ],
    })
    expect(await runCheckpointCase(folder)).toMatchObject({ ok: true })
    const [a, b] = [await openModel(folder), await openModel(resolve('test/golden', name))]
    expect(a.fingerprint.weightsDigest).toBe(b.fingerprint.weightsDigest)
    expect(a.parameters).toBe(b.parameters)
    expect(a.eosTokenIds).toEqual(b.eosTokenIds)
  })

  test.each([
    ['llama', true, false],
    ['llama-gqa-tied', true, false],
    ['llama', false, true],
    ['llama-gqa-tied', false, true],
    ['llama', undefined, undefined],
    ['llama-gqa-tied', undefined, undefined],
  ])(
    '%s has a head of its own if its weights have one, where the fields disagree (%s, %s)',
    async (name, outer, inner) => {
      const folder = await changed(name, {
        config: fields => ({
          ...{ model_type: 'mistral3', tie_word_embeddings: outer },
          text_config: { ...fields, tie_word_embeddings: inner },
        }),
      })
      expect(await runCheckpointCase(folder)).toMatchObject({ ok: true })
    },
  )

  test('an unknown text part is refused by its own name', async () => {
    const folder = await changed('llama', { config: fields => wrapped('llava')({ ...fields, model_type: 'opt' }) })
    await expect(openModel(folder)).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED', message: /"opt"/ })
  })

  test('a field of the text part that is not understood is refused with its path', async () => {
    const folder = await changed('llama', { config: fields => wrapped('llava')({ ...fields, unheard_of: 1 }) })
    await expect(openModel(folder)).rejects.toMatchObject({ details: { field: 'text_config.unheard_of' } })
  })
})

describe('rope settings, however they are spelled', () => {
  const yarn = { factor: 4, original_max_position_embeddings: 64 }
  test.each<[string, string, Fields]>([
    ['llama-yarn', 'today', { rope_scaling: null, rope_parameters: { ...yarn, rope_type: 'yarn', rope_theta: 10000 } }],
    ['llama-yarn', 'fine-tuned', { rope_scaling: { ...yarn, type: 'yarn', finetuned: true } }],
    [
      'llama-yarn',
      'both',
      { rope_scaling: { ...yarn, type: 'yarn' }, rope_parameters: { ...yarn, rope_type: 'yarn' } },
    ],
    ['llama-linear-rope', 'both kinds of name', { rope_scaling: { type: 'linear', rope_type: 'linear', factor: 4 } }],
    ['llama', 'dynamic', { rope_scaling: { type: 'dynamic', factor: 2 } }],
    ['llama', 'a default', { rope_scaling: { rope_type: 'default' }, rope_parameters: { rope_theta: 10000 } }],
    ['granite', 'before', { rope_parameters: null, rope_theta: 10000 }],
    ['smollm3', 'before', { rope_parameters: null, rope_theta: 2_000_000 }],
    ['qwen3.5', 'sections', sectioned()],
    [
      'gemma3',
      'before',
      { rope_parameters: null, rope_theta: 1_000_000, rope_local_base_freq: 10000, rope_scaling: null },
    ],
    ['gemma3', 'before, by pattern', { layer_types: null, sliding_window_pattern: 6 }],
    ['lfm2', 'the original names', lfm2Fields()],
    ['granite-hybrid', 'the older names', { layer_types: null, layers_block_type: ['mamba', 'attention', 'mamba'] }],
    ['falcon-h1', 'automatic heads', { mamba_d_head: 'auto' }],
  ])('%s, %s: the reference’s numbers', async (name, _how, change) => {
    const folder = await changed(name, { config: fields => ({ ...fields, ...change }) })
    expect(await runCheckpointCase(folder)).toMatchObject({ ok: true })
  })

  test.each<[Fields, string]>([
    [
      { rope_scaling: { type: 'linear', factor: 4 }, rope_parameters: { rope_type: 'linear', factor: 2 } },
      'rope_scaling',
    ],
    [{ rope_scaling: { type: 'linear', rope_type: 'yarn', factor: 4 } }, 'rope_scaling'],
    [{ rope_theta: 500, rope_parameters: { rope_theta: 10000 } }, 'rope_theta'],
    [{ rope_scaling: { type: 'dynamic' } }, 'rope_scaling.factor'],
    [{ rope_scaling: { type: 'linear', factor: 0 } }, 'rope_scaling.factor'],
    [
      { rope_scaling: { type: 'longrope', original_max_position_embeddings: 64, short_factor: [1] } },
      'rope_scaling.long_factor',
    ],
  ])('%j contradicts itself or lacks something: %s', async (change, field) => {
    const folder = await changed('llama', { config: fields => ({ ...fields, ...change }) })
    await expect(openModel(folder)).rejects.toMatchObject({ code: 'E_MODEL_CONFIG', details: { field } })
  })

  test('a scaling that changes with the length ends where it would change', async () => {
    const dynamic = await changed('llama', { config: f => ({ ...f, rope_scaling: { type: 'dynamic', factor: 4 } }) })
    expect((await openModel(dynamic)).contextLength).toBe(128)
    const factors = Array.from({ length: 8 }, (_, i) => 1 + i / 4)
    const longrope = {
      type: 'longrope',
      short_factor: factors,
      long_factor: factors,
      original_max_position_embeddings: 50,
    }
    const model = await openModel(await changed('llama', { config: f => ({ ...f, rope_scaling: longrope }) }))
    expect(model.contextLength).toBe(50)
    expect(model.position.parameters).toMatchObject({ rope_type: 'longrope', short_factor: factors.join(' ') })
  })
})

function sectioned(): Fields {
  const rope_parameters = { mrope_section: [2, 1, 1], mrope_interleaved: true, rope_theta: 10000 }
  return { rope_parameters: { ...rope_parameters, rope_type: 'default', partial_rotary_factor: 0.25 } }
}

function lfm2Fields(): Fields {
  return {
    ...{ layer_types: null, full_attn_idxs: [2], rope_parameters: null, rope_theta: 1_000_000, block_ff_dim: 128 },
    ...{ intermediate_size: 7, tie_embedding: true, conv_dim: 64, block_dim: 64, num_heads: 4, use_pos_enc: true },
  }
}

describe('weights in files of other names', () => {
  test.each([
    ['one numbered shard without an index', 'model-00001-of-00001.safetensors'],
    ['one file of a longer name', 'pytorch_model.safetensors'],
  ])('%s', async (_what, file) => {
    const folder = await changed('llama', {})
    await rename(join(folder, 'model.safetensors'), join(folder, file))
    expect((await openModel(folder)).fingerprint.weightsDigest).toBe(
      (await openModel(resolve('test/golden/llama'))).fingerprint.weightsDigest,
    )
  })

  test('a numbered set without an index, and an index of another name', async () => {
    const expected = (await openModel(resolve('test/golden/llama'))).fingerprint.weightsDigest
    const folder = await changed('llama', {})
    const path = join(folder, 'model.safetensors')
    const tensors = await readSafetensorsFile(path)
    await rm(path)
    const [a, b] = ['consolidated-00001-of-00002.safetensors', 'consolidated-00002-of-00002.safetensors']
    await writeSafetensorsFile(join(folder, a), tensors.slice(0, 9))
    await writeSafetensorsFile(join(folder, b), tensors.slice(9))
    expect((await openModel(folder)).fingerprint.weightsDigest).toBe(expected)
    const map = tensors.map(({ name }, index) => [name, index < 9 ? a : b])
    await writeFile(
      join(folder, 'consolidated.safetensors.index.json'),
      JSON.stringify({ weight_map: Object.fromEntries(map) }),
    )
    expect((await openModel(folder)).fingerprint.weightsDigest).toBe(expected)
    await rm(join(folder, 'consolidated.safetensors.index.json'))
    await rm(join(folder, b))
    await expect(openModel(folder)).rejects.toMatchObject({ code: 'E_MODEL_WEIGHTS', message: /00002-of-00002/ })
  })

  test('files that are no model are no reason to take them for one', async () => {
    const folder = await changed('llama', {})
    await cp(join(folder, 'model.safetensors'), join(folder, 'statepack-int8.safetensors'))
    await rename(join(folder, 'model.safetensors'), join(folder, 'adapter_model.safetensors'))
    await expect(openModel(folder)).rejects.toMatchObject({ code: 'E_MODEL_WEIGHTS' })
  })
})

test('end ids are those of every source; one beyond the vocabulary is left out', async () => {
  const folder = await changed('llama', { config: fields => ({ ...fields, eos_token_id: [7, 1] }) })
  await writeFile(join(folder, 'generation_config.json'), JSON.stringify({ eos_token_id: [1, 5, 160, 4096] }))
  expect((await openModel(folder)).eosTokenIds).toEqual([1, 5, 7])
})
