import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import { readDelta } from '#engine/packets/readDelta.ts'
import { collectingSink } from '../inference/collectingSink.ts'
import { digestLogits, digestState } from '../inference/digestState.ts'
import { runnableModel, STARTERS } from '../inference/runnableModel.ts'
import { seeded } from '../inference/seeded.ts'

describe.each(STARTERS)('reading a delta into a session of %s', folder => {
  const random = seeded(5)
  let runtime: Runtime
  beforeAll(async () => {
    runtime = await openRuntime(await runnableModel(folder), { device: 'cpu', threads: 2 })
  })
  afterAll(() => runtime.dispose())

  /** Lengths of what is folded and what is held back: across a block's end, at one, without either part, a long tail. */
  it.each([
    [5, 2],
    [60, 9],
    [64, 3],
    [130, 1],
    [0, 4],
    [7, 0],
    [20, 40],
  ])('gives the bits of reading %i and %i tokens one after the other', async (folded, held) => {
    const [fold, tail] = [random.tokens(folded, 2048), random.tokens(held, 2048)]
    using base = runtime.newSession()
    const before = await base.append(random.tokens(70, 2048))
    using whole = await base.fork()
    using parts = await base.fork()
    using kept = await base.fork()
    const first = folded === 0 ? before : await parts.append(fold)
    const state = digestState(await parts.capture())
    const last = held === 0 ? first : await parts.append(tail)

    let runs = 0
    const onProgress = () => {
      runs += 1
    }
    const reading = { fold, tail, before, isTraced: false }
    const { sink, stateWith } = collectingSink()
    const read = await readDelta(whole, { ...reading, isKept: false }, { onProgress, sink })
    expect(read.newState && digestState(stateWith(read.newState.rest))).toBe(state)
    expect(digestLogits(read.newState?.logits ?? before)).toBe(digestLogits(first))
    expect(digestLogits(read.first ?? before)).toBe(digestLogits(last))
    expect(digestState(await whole.capture())).toBe(digestState(await parts.capture()))
    if (whole.kind === 'kv' && folded < 128) expect(runs).toBe(held > 16 ? 2 : 1)

    const answer = await readDelta(kept, { ...reading, isKept: true }, { sink: collectingSink().sink })
    expect(answer.newState).toBeNull()
    expect(digestLogits(answer.first ?? before)).toBe(digestLogits(last))
  })
})
