import { describe, expect, it } from 'vitest'
import { compareLogits, compareStates } from '#engine/inference/compareStates.ts'
import { mixStates } from '#engine/inference/mixStates.ts'
import { openRuntime } from '#engine/inference/runtime.ts'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { digestState } from './digestState.ts'
import { runnableModel, STARTERS } from './runnableModel.ts'
import { seeded } from './seeded.ts'

async function states(folder: string, lengths: number[]): Promise<StateSnapshot[]> {
  const runtime = await openRuntime(await runnableModel(folder), { device: 'cpu', threads: 2 })
  const random = seeded(19)
  const found: StateSnapshot[] = []
  for (const length of lengths) {
    using session = runtime.newSession()
    await session.append(random.tokens(length, 2048), { logits: 'none' })
    found.push(await session.capture())
  }
  await runtime.dispose()
  return found
}

describe('mixing', () => {
  it('is the weighted mean of every number, runs on, and is the same bits every time', async () => {
    const [a, b] = await states(STARTERS[1], [30, 45])
    if (a === undefined || b === undefined) throw new Error('two states')
    const parents = [
      { state: a, weight: 1 },
      { state: b, weight: 3 },
    ]
    const mixed = mixStates(parents)
    for (const [layer, { conv, ssm }] of mixed.recurrent.entries()) {
      for (const [found, one, other] of [
        [conv, a.recurrent[layer]?.conv, b.recurrent[layer]?.conv],
        [ssm, a.recurrent[layer]?.ssm, b.recurrent[layer]?.ssm],
      ]) {
        found?.forEach((value, i) => {
          const mean = 0.25 * (one?.[i] ?? 0) + 0.75 * (other?.[i] ?? 0)
          if (value !== Math.fround(mean)) expect(value).toBe(Math.fround(mean))
        })
      }
    }
    expect(digestState(mixStates(parents))).toBe(digestState(mixed))
    expect(digestState(mixStates([{ state: a, weight: 2 }]))).toBe(digestState(a))
    const runtime = await openRuntime(await runnableModel(STARTERS[1]), { device: 'cpu', threads: 2 })
    using session = await runtime.restore(mixed)
    expect((await session.append([1, 2, 3])).every(Number.isFinite)).toBe(true)
    await runtime.dispose()
  })

  it('refuses keys and values, naming merge, and weights that mean nothing', async () => {
    const [kv] = await states(STARTERS[0], [5])
    const [ssm] = await states(STARTERS[1], [5])
    if (kv === undefined || ssm === undefined) throw new Error('two states')
    expect(() => mixStates([{ state: kv, weight: 1 }])).toThrow(
      expect.objectContaining({ code: 'E_NOT_SUPPORTED', message: expect.stringContaining('merge') }),
    )
    for (const weights of [[0], [-1, 2], [Number.NaN], [Number.POSITIVE_INFINITY], []]) {
      const parents = weights.map(weight => ({ state: ssm, weight }))
      expect(() => mixStates(parents)).toThrow(expect.objectContaining({ code: 'E_BAD_INPUT' }))
    }
  })
})

describe.each(STARTERS)('comparing states of %s', folder => {
  it('finds one changed number, the layer and the tensor it is in', async () => {
    const [state] = await states(folder, [70])
    if (state === undefined) throw new Error('a state')
    expect(compareStates(state, state).every(({ maxAbsDiff }) => maxAbsDiff === 0)).toBe(true)
    const changed = structuredClone(state)
    const layer = changed.blocks[1]?.layers[2] ?? changed.recurrent[2]
    const [name, numbers] =
      layer !== undefined && 'key' in layer ? (['value', layer.value] as const) : (['ssm', layer?.ssm] as const)
    if (numbers === undefined) throw new Error('a layer')
    numbers[5] = (numbers[5] ?? 0) + 0.5
    const different = compareStates(state, changed).filter(({ maxAbsDiff }) => maxAbsDiff > 0)
    expect(different).toMatchObject([{ layer: 2, tensor: name }])
    expect(different[0]?.maxAbsDiff).toBeCloseTo(0.5, 3)
    numbers[5] = Number.NaN
    expect(compareStates(state, changed).some(({ maxAbsDiff }) => maxAbsDiff === Number.POSITIVE_INFINITY)).toBe(true)
    expect(() => compareStates(state, { ...state, position: 71 })).toThrow(
      expect.objectContaining({ code: 'E_COMPONENT_MISMATCH' }),
    )
  })
})

it('compares two distributions', () => {
  const a = Float32Array.of(0, Math.log(3))
  const b = Float32Array.of(0, 0)
  const { maxAbsDiff, klBits, sameTop1 } = compareLogits(a, b)
  expect(maxAbsDiff).toBeCloseTo(Math.log(3), 6)
  expect(klBits).toBeCloseTo(0.25 * Math.log2(0.5) + 0.75 * Math.log2(1.5), 6)
  expect(sameTop1).toBe(false)
  expect(compareLogits(a, a)).toEqual({ maxAbsDiff: 0, klBits: 0, sameTop1: true })
})
