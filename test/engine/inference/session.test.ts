import { setTimeout as delay } from 'node:timers/promises'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import type { Session } from '#engine/inference/session.ts'
import type { KvBlock, StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { collectingSink } from './collectingSink.ts'
import { digestLogits, digestState } from './digestState.ts'
import { runnableModel, STARTERS } from './runnableModel.ts'
import { type Seeded, seeded } from './seeded.ts'

const ROUNDS = process.env.DEEP ? 60 : 6

async function read(
  session: Session,
  tokens: Int32Array,
  pieces: readonly number[] = [tokens.length],
): Promise<Session> {
  let at = 0
  for (const piece of pieces) {
    await session.append(tokens.subarray(at, at + piece), { logits: 'none' })
    at += piece
  }
  return session
}

describe.each(STARTERS)('a session of %s', folder => {
  let runtime: Runtime
  let random: Seeded
  const vocab = 2048
  beforeAll(async () => {
    runtime = await openRuntime(await runnableModel(folder), { device: 'cpu', threads: 2 })
    random = seeded(7)
  })
  afterAll(() => runtime.dispose())
  afterEach(() => vi.restoreAllMocks())

  it('records where it runs and why', () => {
    expect(runtime.environment).toEqual({ provider: 'cpu', runtimeVersion: '1.30.0', threads: 2 })
    expect(runtime.device.reason).toBe('chosen')
  })

  it('gives the same bits however the text was cut', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const tokens = random.tokens(random.int(2, 500), vocab)
      using whole = runtime.newSession()
      const logits = await whole.append(tokens, { logits: 'all' })
      using cut = runtime.newSession()
      let at = 0
      for (const piece of random.cuts(tokens.length, [1, 3, 150][round % 3] ?? 1)) {
        const rows = await cut.append(tokens.subarray(at, at + piece), { logits: 'all' })
        expect(rows.findIndex((value, i) => value !== logits[at * vocab + i])).toBe(-1)
        at += piece
      }
      expect(digestState(await cut.capture())).toBe(digestState(await whole.capture()))
    }
  })

  it('gives the same bits in runs of every length', async () => {
    const tokens = random.tokens(165, vocab)
    using whole = runtime.newSession()
    const logits = await whole.append(tokens, { logits: 'all' })
    for (let length = 1; length <= 128; length++) {
      using session = await read(runtime.newSession(), tokens.subarray(0, 37))
      const rows = await session.append(tokens.subarray(37, 37 + length), { logits: 'all' })
      const other = rows.findIndex((value, i) => value !== logits[37 * vocab + i])
      expect(other, `of a run of ${length}, row ${Math.floor(other / vocab)}`).toBe(-1)
    }
  })

  it('gives logits of no, the last, the last few or all tokens', async () => {
    const tokens = random.tokens(200, vocab)
    using a = runtime.newSession()
    using b = runtime.newSession()
    using c = runtime.newSession()
    expect(await a.append(tokens, { logits: 'none' })).toHaveLength(0)
    const last = await b.append(tokens)
    const all = await c.append(tokens, { logits: 'all' })
    expect(all).toHaveLength(200 * vocab)
    expect(digestLogits(last)).toBe(digestLogits(all.slice(-vocab)))
    for (const count of [2, 100, 300]) {
      using d = runtime.newSession()
      const few = await d.append(tokens, { logits: count })
      expect(digestLogits(few)).toBe(digestLogits(all.slice(-count * vocab)))
    }
    expect(await a.append([])).toHaveLength(0)
    expect(a.position).toBe(200)
  })

  it('counts the tokens it really ran, and reports progress by chunks of at most 128', async () => {
    using session = runtime.newSession()
    const seen: number[] = []
    await session.append(random.tokens(300, vocab), { onProgress: ({ done }) => seen.push(done) })
    expect(seen).toEqual([128, 256, 300])
    await session.append([5])
    expect([session.position, session.processed]).toEqual([301, 301])
    using restored = await runtime.restore(await session.capture())
    using forked = await session.fork()
    expect([restored.position, restored.processed, forked.position, forked.processed]).toEqual([301, 0, 301, 0])
  })

  it('cancels between chunks and is where it was before', async () => {
    const tokens = random.tokens(400, vocab)
    using session = await read(runtime.newSession(), tokens.subarray(0, 100))
    const before = digestState(await session.capture())
    const cancel = new AbortController()
    const append = session.append(tokens.subarray(100), {
      signal: cancel.signal,
      onProgress: ({ done }) => done >= 256 && cancel.abort(),
    })
    await expect(append).rejects.toMatchObject({ code: 'E_CANCELLED' })
    expect([session.position, session.processed]).toEqual([100, 100 + 256])
    expect(digestState(await session.capture())).toBe(before)
    const logits = await session.append(tokens.subarray(100))
    expect(digestLogits(logits)).toBe(digestLogits(await runtime.newSession().append(tokens)))
  })

  it('lets other work run between chunks', async () => {
    using session = runtime.newSession()
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    await session.append(random.tokens(128 * 6, vocab), { logits: 'none' })
    clearInterval(timer)
    expect(turns).toBeGreaterThanOrEqual(3)
  })

  it('takes turns with another session without mixing them up', async () => {
    const [one, two] = [random.tokens(500, vocab), random.tokens(500, vocab)]
    using a = runtime.newSession()
    using b = runtime.newSession()
    const order: string[] = []
    const [x, y] = await Promise.all([
      a.append(one, { onProgress: () => order.push('a') }),
      b.append(two, { onProgress: () => order.push('b') }),
    ])
    expect(order.join('')).toBe('abababab')
    expect(digestLogits(x)).toBe(digestLogits(await runtime.newSession().append(one)))
    expect(digestLogits(y)).toBe(digestLogits(await runtime.newSession().append(two)))
  })

  it('forks: both go their own way and neither notices the other', async () => {
    const base = random.tokens(random.int(60, 300), vocab)
    const [left, right] = [random.tokens(90, vocab), random.tokens(90, vocab)]
    using session = await read(runtime.newSession(), base)
    using fork = await session.fork()
    expect(fork.copiedBytes).toBe(0)
    const before = digestState(await fork.capture())
    const x = await session.append(left)
    expect(digestState(await fork.capture())).toBe(before)
    const y = await fork.append(right)
    expect(digestLogits(x)).toBe(digestLogits(await runtime.newSession().append(Int32Array.from([...base, ...left]))))
    expect(digestLogits(y)).toBe(digestLogits(await runtime.newSession().append(Int32Array.from([...base, ...right]))))
  })

  it('keeps snapshots as they were while it reads on', async () => {
    const tokens = random.tokens(260, vocab)
    using session = runtime.newSession()
    const snapshots: StateSnapshot[] = []
    for (let at = 0; at < 260; at += 20) {
      await session.append(tokens.subarray(at, at + 20), { logits: 'none' })
      snapshots.push(await session.capture())
    }
    for (const snapshot of [snapshots[0], snapshots[5], snapshots[9]]) {
      if (snapshot === undefined) continue
      using again = await read(runtime.newSession(), tokens.subarray(0, snapshot.position))
      expect(digestState(snapshot)).toBe(digestState(await again.capture()))
    }
  })

  it('gives its buffers back, and its state goes on as if it had not', async () => {
    const tokens = random.tokens(170, vocab)
    const session = await read(runtime.newSession(), tokens.subarray(0, 150))
    const state = await session.capture()
    session.dispose()
    using again = await runtime.restore(state)
    const after = await again.append(tokens.subarray(150))
    expect(digestLogits(after)).toBe(digestLogits(await runtime.newSession().append(tokens)))
  })

  it('refuses what is no token, a second operation at once, and use after closing', async () => {
    using session = runtime.newSession()
    for (const bad of [[-1], [vocab], [1.5], [Number.NaN]]) {
      await expect(session.append(bad)).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    }
    const first = session.append([1, 2, 3])
    await expect(session.capture()).rejects.toMatchObject({ code: 'E_CONFLICT' })
    await first
    expect(session.position).toBe(3)
    const reading = session.append(random.tokens(300, vocab))
    session.dispose()
    await expect(reading).rejects.toMatchObject({ code: 'E_CONFLICT' })
    await expect(session.append([1])).rejects.toMatchObject({ code: 'E_CONFLICT' })
  })

  it('restores only states of its own shape', async () => {
    using session = await read(runtime.newSession(), random.tokens(70, vocab))
    const state = await session.capture()
    const other = state.kind === 'kv' ? 'ssm' : 'kv'
    await expect(runtime.restore({ ...state, kind: other })).rejects.toMatchObject({
      code: 'E_COMPONENT_MISMATCH',
      details: { component: 'cache', expected: state.kind, found: other },
    })
    const short = { ...state, blocks: state.blocks.slice(0, -1), recurrent: state.recurrent.slice(0, -1) }
    await expect(runtime.restore(short)).rejects.toMatchObject({ code: 'E_COMPONENT_MISMATCH' })
  })
})

describe('keys and values', () => {
  let runtime: Runtime
  const random = seeded(11)
  beforeAll(async () => {
    runtime = await openRuntime(await runnableModel(STARTERS[0]), { device: 'cpu', threads: 2 })
  })
  afterAll(() => runtime.dispose())
  afterEach(() => vi.restoreAllMocks())

  it('are appended in place: a decode step copies nothing of the context', async () => {
    const STEPS = 5
    using session = await read(runtime.newSession(), random.tokens(700, 2048))
    const run = vi.spyOn(Reflect.get(InferenceSession, 'prototype') as InferenceSession, 'run')
    const copied = session.copiedBytes
    for (let step = 0; step < STEPS; step++) await session.append([step])
    expect(session.copiedBytes).toBe(copied)
    const buffers = new Set<unknown>()
    for (const [feeds, outputs] of run.mock.calls) {
      for (const layer of [0, 1, 2, 3]) {
        for (const side of ['key', 'value']) {
          const past = feeds[`past_key_values.${layer}.${side}`]
          expect(past === Reflect.get(outputs ?? {}, `present.${layer}.${side}`)).toBe(true)
          buffers.add(past)
        }
      }
    }
    expect(run).toHaveBeenCalledTimes(STEPS)
    expect(buffers.size).toBe(8)
    // What the binding returned besides the given buffers; it copies whole outputs, whatever their length.
    const returned = run.mock.settledResults.flatMap(({ type, value }) =>
      type === 'fulfilled' ? Object.values(value) : [],
    )
    expect(returned.reduce((bytes, tensor) => bytes + (tensor.size ?? 0) * 4, 0)).toBeLessThan(64 * 1024)
  })

  it('would be copied by a plain run with preallocated outputs (control of the test above)', async () => {
    const { graph } = await runnableModel(STARTERS[0])
    const session = await InferenceSession.create(graph.bytes, {
      logSeverityLevel: 3,
      extra: { session: { model_external_initializers_file_folder_path: graph.externalFolder } },
    })
    const feeds: Record<string, Tensor> = {
      input_ids: new Tensor('int64', BigInt64Array.of(1n, 2n), [1, 2]),
      num_logits: new Tensor('int64', BigInt64Array.of(0n), []),
      seqlens_k: new Tensor('int32', Int32Array.of(1), [1]),
      total_sequence_length: new Tensor('int32', Int32Array.of(2), []),
    }
    const outputs: Record<string, Tensor> = {}
    for (const layer of [0, 1, 2, 3]) {
      for (const side of ['key', 'value']) {
        const buffer = new Tensor('float32', new Float32Array(4 * 1024 * 32), [1, 4, 1024, 32])
        feeds[`past_key_values.${layer}.${side}`] = buffer
        outputs[`present.${layer}.${side}`] = buffer
      }
    }
    const results = await session.run(feeds, outputs)
    // Counted by identity: what the process holds in all also shrinks whenever garbage is collected.
    const copied = Object.keys(outputs).filter(name => results[name]?.data !== outputs[name]?.data)
    expect(copied).toHaveLength(8)
    await session.release()
  })

  it('have room for a short answer: those that a state comes back into, and those that a text was read into', async () => {
    using reading = await read(runtime.newSession(), random.tokens(316, 2048))
    const state = await reading.capture()
    const fresh = await openRuntime(await runnableModel(STARTERS[0]), { device: 'cpu', threads: 2 })
    const answering = await fresh.restore(state)
    await answering.append([1], { logits: 'none' })
    const before = answering.copiedBytes
    for (const token of random.tokens(30, 2048)) await answering.append([token], { logits: 'none' })
    expect(answering.copiedBytes).toBe(before)
    answering.dispose()
    const text = fresh.newSession()
    await text.append(random.tokens(828, 2048), { logits: 'none' })
    for (const token of random.tokens(30, 2048)) await text.append([token], { logits: 'none' })
    expect(text.copiedBytes).toBe(0)
    text.dispose()
    await fresh.dispose()
  })

  it('grow geometrically, so reading n tokens copies O(n) in all', async () => {
    const bytes = async (tokens: number) => {
      using session = runtime.newSession()
      for (let at = 0; at < tokens; at += 16) await session.append(random.tokens(16, 2048), { logits: 'none' })
      return session.copiedBytes
    }
    const stateBytes = 1600 * 4096
    expect(await bytes(1600)).toBeLessThan(2 * stateBytes)
  })

  it('are captured by copying what is new, not the context', async () => {
    using session = await read(runtime.newSession(), random.tokens(1000, 2048))
    await session.capture()
    const before = session.copiedBytes
    await session.append([1, 2, 3])
    await session.capture()
    expect(session.copiedBytes - before).toBeLessThanOrEqual(64 * 2 * 4096)
  })

  it('are taken block by block as they were at an earlier position, whoever else takes theirs meanwhile', async () => {
    const tokens = random.tokens(330, 2048)
    const sessions = await Promise.all([0, 40].map(from => read(runtime.newSession(), tokens.subarray(from))))
    const ends = [0, 1, 63, 64, 65, 200, 256, 290]
    for (const end of ends) {
      const found = await Promise.all(
        sessions.map(async (session, row) => {
          const { sink, stateWith } = collectingSink(() => delay(row))
          return digestState(stateWith(await session.captureInto(sink, end)))
        }),
      )
      for (const [row, session] of sessions.entries()) {
        using cut = await session.fork()
        cut.truncate(end)
        expect(found[row]).toBe(digestState(await cut.capture()))
      }
    }
    const { sink } = collectingSink()
    await expect(sessions[0]?.captureInto(sink, 331)).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    for (const session of sessions) session.dispose()
  })

  it('are taken block by block in the same memory each time', async () => {
    using session = await read(runtime.newSession(), random.tokens(100, 2048))
    const seen = new Set<ArrayBufferLike>()
    for (let round = 0; round < 3; round++) {
      const { sink } = collectingSink()
      const add = async (block: KvBlock) => {
        for (const { key, value } of block.layers) for (const { buffer } of [key, value]) seen.add(buffer)
        await sink.add(block)
      }
      await session.captureInto({ length: 0, add })
    }
    expect(seen.size).toBe(1)
  })

  it('share full blocks between a state, its forks and its snapshots', async () => {
    using session = await read(runtime.newSession(), random.tokens(200, 2048))
    using fork = await session.fork()
    await fork.append([1, 2, 3], { logits: 'none' })
    const [a, b] = [await session.capture(), await fork.capture()]
    expect(b.blocks.slice(0, 3).every((block, n) => block === a.blocks[n])).toBe(true)
  })

  it('are cut back to what a fresh reading gives', async () => {
    for (let round = 0; round < ROUNDS * 2; round++) {
      const tokens = random.tokens(random.int(2, 400), 2048)
      const position = random.int(0, tokens.length)
      using read1 = await read(runtime.newSession(), tokens)
      // In every second round from a restored state, which has no contiguous buffers.
      using session = round % 2 === 0 ? read1 : await runtime.restore(await read1.capture())
      session.truncate(position)
      expect(session.position).toBe(position)
      using fresh = await read(runtime.newSession(), tokens.subarray(0, position))
      expect(digestState(await session.capture())).toBe(digestState(await fresh.capture()))
      const rest = random.tokens(20, 2048)
      expect(digestLogits(await session.append(rest))).toBe(digestLogits(await fresh.append(rest)))
    }
    using session = await read(runtime.newSession(), random.tokens(10, 2048))
    expect(() => session.truncate(11)).toThrow(expect.objectContaining({ code: 'E_BAD_INPUT' }))
  })

  it('end with the context, and a refusal leaves the state alone', async () => {
    using session = await read(runtime.newSession(), random.tokens(2040, 2048))
    const tooMany = session.append(random.tokens(9, 2048))
    await expect(tooMany).rejects.toMatchObject({
      code: 'E_CONTEXT_LENGTH',
      details: { contextLength: 2048, position: 2040, tokens: 9 },
    })
    expect([session.position, session.processed]).toEqual([2040, 2040])
    await session.append(random.tokens(8, 2048))
    await expect(session.append([1])).rejects.toMatchObject({ code: 'E_CONTEXT_LENGTH' })
  })
})

describe('a recurrent state', () => {
  it('cannot be cut back, is captured without a copy, and reads beyond 5,000 tokens', async () => {
    const runtime = await openRuntime(await runnableModel(STARTERS[1]), { device: 'cpu', threads: 2 })
    const random = seeded(13)
    using session = await read(runtime.newSession(), random.tokens(40, 2048))
    expect(() => session.truncate(10)).toThrow(expect.objectContaining({ code: 'E_NOT_SUPPORTED' }))
    const [a, b] = [await session.capture(), await session.capture()]
    expect(a.recurrent[0]?.ssm).toBe(b.recurrent[0]?.ssm)
    await read(session, random.tokens(5000, 2048))
    expect(session.position).toBe(5040)
    await runtime.dispose()
  })
})
