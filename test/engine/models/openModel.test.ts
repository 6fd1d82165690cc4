import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRuntime } from '#engine/inference/runtime.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { readSafetensorsFile, writeSafetensorsFile } from '../../model/safetensorsFile.ts'

const RUNS = process.env.DEEP ? 3000 : 150
let root = ''
let serial = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'open-model-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** A writable copy of a golden case. */
async function copyOf(name: string): Promise<string> {
  serial += 1
  const folder = join(root, `${name}-${serial}`)
  await cp(resolve('test/golden', name), folder, { recursive: true })
  return folder
}

async function changeConfig(folder: string, change: Record<string, unknown>): Promise<void> {
  const path = join(folder, 'config.json')
  const fields: unknown = JSON.parse((await readFile(path, 'utf8')).replace(' Infinity', '{"__float__":"Infinity"}'))
  await writeFile(path, JSON.stringify({ ...Object(fields), ...change }))
}

async function refusal(folder: string): Promise<StatePackError> {
  const error: unknown = await openModel(folder).then(
    () => new Error('It was opened.'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof StatePackError) return error
  throw error
}

describe('a folder that cannot be used is refused with what and where', () => {
  test('no folder, a file, no config.json, no JSON', async () => {
    expect((await refusal(join(root, 'nothing'))).code).toBe('E_UNKNOWN_MODEL')
    expect((await refusal(resolve('package.json'))).code).toBe('E_UNKNOWN_MODEL')
    const empty = join(root, 'empty')
    await mkdir(empty)
    expect((await refusal(empty)).code).toBe('E_UNKNOWN_MODEL')
    await writeFile(join(empty, 'config.json'), '{"model_type": llama}')
    expect((await refusal(empty)).code).toBe('E_MODEL_CONFIG')
  })

  test.each(['config.json', 'generation_config.json', 'tokenizer.json', 'chat_template.jinja'])(
    '%s in another encoding: it is named',
    async file => {
      const text = '{ "name": "caf\u00e9" }'
      const encoded = {
        'UTF-16LE': Buffer.from(`\uFEFF${text}`, 'utf16le'),
        'UTF-16BE': Buffer.from(text, 'utf16le').swap16(),
        'WINDOWS-1252': Buffer.from(text, 'latin1'),
      }
      for (const [encoding, bytes] of Object.entries(encoded)) {
        const folder = join(root, `${file} in ${encoding}`)
        await cp(resolve('test/golden/onnx/llama'), folder, { recursive: true })
        await writeFile(join(folder, file), bytes)
        const error = await refusal(folder)
        expect(error.code).toMatch(/^E_(MODEL_CONFIG|TOKENIZER)$/)
        expect(error.message).toContain(`${file} is in ${encoding}, not in UTF-8: save it as UTF-8`)
      }
    },
  )

  test('an unknown architecture is named, with the supported ones', async () => {
    const folder = await copyOf('llama')
    await changeConfig(folder, { model_type: 'bert' })
    const error = await refusal(folder)
    expect(error.code).toBe('E_NOT_SUPPORTED')
    expect(error.message).toMatch(/"bert".*llama/)
  })

  test.each([
    ['llama', { quantization_config: { bits: 4 } }, 'quantization_config'],
    ['llama', { rope_scaling: { rope_type: 'proportional', factor: 2 } }, 'rope_scaling.rope_type'],
    ['llama', { rope_scaling: { rope_type: 'linear', factor: 2, mrope_section: [1] } }, 'rope_scaling.mrope_section'],
    ['llama', { hidden_act: 'xielu' }, 'hidden_act'],
    ['llama', { num_key_value_heads: 3 }, 'num_key_value_heads'],
    ['llama', { partial_rotary_factor: 0.5 }, 'partial_rotary_factor'],
    ['llama', { num_hidden_layers: 1e9 }, 'num_hidden_layers'],
    ['llama', { max_position_embeddings: 1e12 }, 'max_position_embeddings'],
    ['llama', { head_dim: 1e8 }, 'head_dim'],
    ['llama', { an_unheard_of_field: true }, 'an_unheard_of_field'],
    ['gpt2', { add_cross_attention: true }, 'add_cross_attention'],
    ['gpt2', { n_head: 5 }, 'n_head'],
    ['mamba', { intermediate_size: 97 }, 'intermediate_size'],
    ['mamba', { ssm_cfg: { d_state: 32 } }, 'ssm_cfg.d_state'],
    ['mamba2', { n_groups: 4 }, 'n_groups'],
    ['mamba2', { rms_norm: false }, 'rms_norm'],
    ['mamba2', { time_step_limit: [1, 0] }, 'time_step_limit'],
    ['qwen3', { layer_types: ['full_attention', 'linear_attention', 'full_attention'] }, 'layer_types'],
  ])('%s with %j: the refusal names %s', async (name, change, field) => {
    const folder = await copyOf(name)
    await changeConfig(folder, change)
    const error = await refusal(folder)
    expect(error.code).toBe('E_MODEL_CONFIG')
    expect(error.details.field).toBe(field)
    expect(error.message).toContain(field)
  })

  test.each([
    ['llama', { hidden_size: 128, head_dim: 16 }, 'model.embed_tokens.weight'],
    ['llama', { intermediate_size: 96 }, 'mlp.gate_proj.weight'],
    ['llama', { num_hidden_layers: 4 }, 'model.layers.3.input_layernorm.weight'],
    ['llama', { num_hidden_layers: 2 }, 'model.layers.2'],
    ['llama', { attention_bias: true }, 'self_attn.q_proj.bias'],
    ['llama-gqa-tied', { tie_word_embeddings: false }, 'lm_head.weight'],
    ['gpt2', { n_inner: 100 }, 'mlp.c_fc'],
    ['mamba', { state_size: 8 }, 'x_proj.weight'],
    ['mamba2', { conv_kernel: 3 }, 'conv1d.weight'],
  ])('%s whose config.json says %j: the refusal names %s', async (name, change, tensor) => {
    const folder = await copyOf(name)
    await changeConfig(folder, change)
    const error = await refusal(folder)
    expect(error.code).toBe('E_MODEL_WEIGHTS')
    expect(error.message).toContain(tensor)
  })

  test('a missing shard, a shard without its tensor, an index that leaves the folder', async () => {
    const folder = await copyOf('llama-float16-sharded')
    const shard = join(folder, 'model-00002-of-00004.safetensors')
    const kept = await readSafetensorsFile(shard)
    await writeSafetensorsFile(shard, kept.slice(1))
    expect((await refusal(folder)).message).toContain(kept[0]?.name)
    await rm(shard)
    expect((await refusal(folder)).message).toContain('model-00002-of-00004.safetensors')
    await writeFile(
      join(folder, 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: { a: '../x.safetensors' } }),
    )
    expect((await refusal(folder)).code).toBe('E_MODEL_WEIGHTS')
  })

  test('an index of very many tensors is gone through once', async () => {
    const folder = await copyOf('llama-float16-sharded')
    const shard = 'model-00002-of-00004.safetensors'
    const entries = Array.from({ length: 700_000 }, (_, id) => [`t${id}`, shard])
    await writeFile(
      join(folder, 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: Object.fromEntries(entries) }),
    )
    expect((await refusal(folder)).message).toContain('the index says it holds t0')
  })

  test('a weights file cut anywhere is refused', async () => {
    const folder = await copyOf('mamba')
    const path = join(folder, 'model.safetensors')
    const whole = await readFile(path)
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async length => {
        await writeFile(path, whole)
        await truncate(path, length)
        expect((await refusal(folder)).code).toBe('E_MODEL_WEIGHTS')
      }),
      { numRuns: RUNS },
    )
  })

  test('a changed byte of the header is refused or leaves a model with another digest, never a crash', async () => {
    const folder = await copyOf('mamba')
    const path = join(folder, 'model.safetensors')
    const whole = await readFile(path)
    const header = 8 + Number(whole.readBigUInt64LE())
    const { weightsDigest } = (await openModel(folder)).fingerprint
    await fc.assert(
      fc.asyncProperty(fc.nat(header - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(whole)
        changed[at] = (changed[at] ?? 0) ^ flip
        await writeFile(path, changed)
        const found = await openModel(folder).then(
          model => model.fingerprint.weightsDigest,
          (error: unknown) => (error instanceof StatePackError ? error.code : String(error)),
        )
        // __metadata__ and white space are no part of the weights; everything else must show.
        const [before, after] = [whole[at] ?? 0, changed[at] ?? 0]
        const isSpace = [before, after].every(byte => ' \t\r\n'.includes(String.fromCharCode(byte)))
        if (found === weightsDigest) expect(isSpace || at < 8 + 40).toBe(true)
        else expect(found).toMatch(/^(sha256:|E_MODEL_WEIGHTS$)/)
      }),
      { numRuns: RUNS },
    )
  })
})

describe('fingerprints', () => {
  test('the weights digest does not depend on sharding or order', async () => {
    const sharded = await copyOf('llama-float16-sharded')
    const before = await openModel(sharded)
    const shards = [1, 2, 3, 4].map(n => join(sharded, `model-0000${n}-of-00004.safetensors`))
    const tensors = (await Promise.all(shards.map(readSafetensorsFile))).flat()
    await Promise.all([...shards, join(sharded, 'model.safetensors.index.json')].map(path => rm(path)))
    await writeSafetensorsFile(join(sharded, 'model.safetensors'), tensors.reverse())
    const after = await openModel(sharded)
    expect(after.fingerprint.weightsDigest).toBe(before.fingerprint.weightsDigest)
    expect(after.components).toEqual(before.components)
  })

  test('a component digest changes with its own tensors only', async () => {
    const folder = await copyOf('gpt2')
    const path = join(folder, 'model.safetensors')
    const before = await openModel(folder)
    expect(before.components.norms.map(({ name }) => name)).toEqual(['layer 0', 'layer 1', 'layer 2', 'final'])
    const tensors = await readSafetensorsFile(path)
    const changed = tensors.find(({ name }) => name.endsWith('h.1.attn.c_attn.weight'))
    if (changed?.bytes[0] === undefined) throw new Error('no such tensor')
    changed.bytes[0] ^= 1
    await writeSafetensorsFile(path, tensors)
    const after = await openModel(folder)
    expect(after.fingerprint.weightsDigest).not.toBe(before.fingerprint.weightsDigest)
    expect(after.fingerprint.configDigest).toBe(before.fingerprint.configDigest)
    const differing = after.components.mixers.filter(
      (mixer, at) => mixer.digest !== before.components.mixers[at]?.digest,
    )
    expect(differing.map(({ name }) => name)).toEqual(['layer 1'])
    expect(after.components.norms).toEqual(before.components.norms)
    expect(after.components.embeddings).toEqual(before.components.embeddings)
  })

  test('weights are read once: the second opening takes the digests from the cache, a changed file is read again', async () => {
    const folder = await copyOf('llama')
    const path = join(folder, 'model.safetensors')
    const cacheFolder = await mkdtemp(join(root, 'cache-'))
    const steps = async () => {
      let count = 0
      const model = await openModel(folder, { cacheFolder, onProgress: () => count++ })
      return { count, digest: model.fingerprint.weightsDigest }
    }
    const first = await steps()
    expect(first.count).toBeGreaterThan(20)
    expect(await steps()).toEqual({ count: 1, digest: first.digest })
    const bytes = await readFile(path)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    await writeFile(path, bytes)
    await utimes(path, 1, 2)
    const changed = await steps()
    expect(changed.count).toBe(first.count)
    expect(changed.digest).not.toBe(first.digest)
    await writeFile(join(cacheFolder, 'weight-digests.json'), '{"damaged')
    expect((await steps()).digest).toBe(changed.digest)
  })

  test('a cancelled opening says so', async () => {
    const signal = AbortSignal.abort()
    await expect(openModel(resolve('test/golden/llama'), { signal })).rejects.toMatchObject({ code: 'E_CANCELLED' })
  })
})

describe('where the files lie', () => {
  test('a hub snapshot (links into blobs/) opens and runs, and is named after its repository', async () => {
    const repository = join(root, 'models--acme--tiny-llama')
    const snapshot = join(repository, 'snapshots', 'abc123')
    await mkdir(join(repository, 'blobs'), { recursive: true })
    await mkdir(snapshot, { recursive: true })
    for (const [file, blob] of [
      ['config.json', 'b1'],
      ['model.safetensors', 'b2'],
    ] as const) {
      await cp(resolve('test/golden/llama', file), join(repository, 'blobs', blob))
      await symlink(join('..', '..', 'blobs', blob), join(snapshot, file))
    }
    const linked = join(root, 'link-to-model')
    await symlink(snapshot, linked)
    for (const folder of [snapshot, linked]) {
      const model = await openModel(folder)
      expect(model.name).toBe('acme/tiny-llama')
      const runtime = await openRuntime(model, { device: 'cpu', threads: 1 })
      expect((await runtime.newSession().append([1, 2, 3])).length).toBe(model.vocabSize)
      await runtime.dispose()
    }
  })

  test('a read-only folder opens and is left as it was', async () => {
    const folder = await copyOf('mamba2')
    await chmod(folder, 0o555)
    const model = await openModel(folder, { cacheFolder: folder })
    expect(model.kind).toBe('ssm')
    await chmod(folder, 0o755)
  })
})
