import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryNeeded } from '#engine/inference/memoryNeeded.ts'
import type { Precision } from '#engine/models/model.ts'
import { describeModel } from '#engine/models/sources/openModel.ts'
import { readSafetensorsFile, writeSafetensorsFile } from '../../model/safetensorsFile.ts'
import { ASSETS, openTestEngine, type TestEngine } from '../testEngine.ts'

const STARTER = join(ASSETS, 'models', 'starter-transformer')
const needed = async (folder: string, precision: Precision) =>
  memoryNeeded(await describeModel(folder, precision)).total

let root = ''
let free = Number.MAX_SAFE_INTEGER
/** Bytes of weights a second. */
let speed = 1e12
let studio: TestEngine
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'statepack-memory-'))
  free = Number.MAX_SAFE_INTEGER
  speed = 1e12
  studio = await openTestEngine({
    folder: root,
    machine: { freeMemory: () => free, weightSpeed: async () => speed },
  })
})
afterEach(async () => {
  await studio.close()
  await rm(root, { recursive: true, force: true })
})

const create = (model: string) =>
  studio.client.call('packets.create', { model, sources: [{ text: 'The goat lives in Oslo.' }] })
const modelOf = async (id: string) =>
  (await studio.client.call('models.list', {})).models.find(model => model.id === id)

describe('what weights will take', () => {
  test('is every number in the form that is multiplied, and tables as they are stored', async () => {
    // A tied table is multiplied with and looked up: it is there twice.
    const { loadedBytes, parameters, weightsBytes } = await describeModel(resolve('test/golden/llama-gqa-tied'))
    expect(loadedBytes).toBeGreaterThan(4 * parameters)
    expect(loadedBytes).toBeLessThan(8 * parameters)
    expect(weightsBytes).toBe(4 * parameters)
    // Half of a number on disk is a whole one in memory.
    const half = await describeModel(resolve('test/golden/llama-float16-sharded'))
    expect(half.loadedBytes).toBeGreaterThan(half.weightsBytes * 1.5)
  })

  test('falls with the precision', async () => {
    const sizes = await Promise.all((['float32', 'int8', 'int4'] as const).map(one => needed(STARTER, one)))
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
    expect(new Set(sizes).size).toBe(3)
  })

  test('of a quantised GGUF file stays with its codes', async () => {
    const four = await describeModel(resolve('test/golden/gguf/gguf-llama-q4_0'))
    expect(four.loadedBytes).toBeLessThan(4 * four.parameters)
    expect(four.loadedBytes).toBeGreaterThan(four.parameters / 2)
  })
})

describe('a model that does not fit', () => {
  test('is refused before it is loaded, with the precision that would fit, and runs in that', async () => {
    const [whole, eight] = [await needed(STARTER, 'float32'), await needed(STARTER, 'int8')]
    free = (whole + eight) / 2
    expect((await modelOf('starter-transformer'))?.memory).toMatchObject({
      ...{ needed: whole, free: Math.floor(free) },
      problem: expect.stringContaining('In int8 it would fit') as string,
    })
    await expect(create('starter-transformer')).rejects.toMatchObject({
      code: 'E_MEMORY',
      details: { model: 'starter-transformer', precision: 'float32', fits: 'int8', needed: whole },
    })
    expect(studio.engine.state.models.loaded()).toEqual([])
    await studio.client.call('models.setPrecision', { id: 'starter-transformer', precision: 'int8' })
    await create('starter-transformer')
    expect(studio.engine.state.models.loaded()).toEqual(['starter-transformer'])
    // What is loaded has its memory.
    expect((await modelOf('starter-transformer'))?.memory).toMatchObject({ needed: eight, problem: null })
  })

  test('is refused with the largest other model that would fit, or with none', async () => {
    await studio.client.call('models.add', { folder: resolve('test/golden/llama') })
    free = await needed(resolve('test/golden/llama'), 'float32')
    await expect(create('starter-transformer')).rejects.toMatchObject({ code: 'E_MEMORY', details: { fits: 'llama' } })
    free = 1
    await expect(create('starter-mamba')).rejects.toMatchObject({
      code: 'E_MEMORY',
      message: expect.stringContaining('No installed model would fit') as string,
      details: { fits: null },
    })
  })

  test('is loaded when one that nobody uses has made room for it', async () => {
    await create('starter-mamba')
    const whole = await needed(STARTER, 'float32')
    const { models } = studio.engine.state
    free = whole - 1
    await expect(create('starter-transformer')).rejects.toMatchObject({ code: 'E_MEMORY' })
    expect(models.loaded()).toEqual([])
    free = whole
    await create('starter-transformer')
    expect(models.loaded()).toEqual(['starter-transformer'])
  })
})

describe('the precision of a model that is new', () => {
  async function add(name: string) {
    const folder = join(root, name)
    await cp(STARTER, folder, { recursive: true })
    return studio.client.call('models.add', { folder })
  }

  test('is its own where this machine is large and fast enough', async () => {
    expect(await add('mine')).toMatchObject({ precision: 'float32', precisionReason: null })
  })

  test('is int8 where float32 does not fit, with the reason, until a person chooses', async () => {
    const [whole, eight] = [await needed(STARTER, 'float32'), await needed(STARTER, 'int8')]
    free = (whole + eight) / 2
    expect(await add('mine')).toMatchObject({
      precision: 'int8',
      precisionReason: expect.stringContaining('In float32 it would take') as string,
    })
    free = Number.MAX_SAFE_INTEGER
    expect((await create('mine')).cartridge.tokens).toBeGreaterThan(1)
    expect(await modelOf('mine')).toMatchObject({ precision: 'int8' })
    const chosen = await studio.client.call('models.setPrecision', { id: 'mine', precision: 'float32' })
    expect(chosen.model).toMatchObject({ precision: 'float32', precisionReason: null })
  })

  test('is its own where int8 does not fit either: int4 changes too much to be chosen unasked', async () => {
    free = (await needed(STARTER, 'int8')) - 1
    expect(await add('mine')).toMatchObject({ precision: 'float32', precisionReason: null })
  })
})

test('a precision that changes answers too much is refused with what was measured, and the model runs as before', async () => {
  const folder = join(root, 'spiky')
  await cp(STARTER, folder, { recursive: true })
  const weights = join(folder, 'model.safetensors')
  const tensors = await readSafetensorsFile(weights)
  // One weight in each block of 32 is so large that sixteen steps over the block leave the others none.
  for (const { name, bytes } of tensors.filter(({ name }) => name.endsWith('mlp.up_proj.weight'))) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    expect(name).toContain('layers')
    for (let at = 0; at < bytes.byteLength; at += 4 * 32) view.setFloat32(at, 12 * view.getFloat32(at, true), true)
  }
  await writeSafetensorsFile(weights, tensors)
  const { id } = await studio.client.call('models.add', { folder })
  await expect(studio.client.call('models.setPrecision', { id, precision: 'int4' })).rejects.toMatchObject({
    code: 'E_NOT_SUPPORTED',
    message: expect.stringMatching(/0\.\d\d bits a token|[1-9]\.\d\d bits a token/) as string,
    details: { model: id, precision: 'int4' },
  })
  expect(await modelOf(id)).toMatchObject({ precision: 'float32' })
  expect(await readdir(join(root, 'data', 'converted', id)).catch(() => [])).toEqual([])
  expect((await studio.client.call('models.setPrecision', { id, precision: 'int8' })).effect?.meanKl).toBeLessThan(0.1)
})
