/** What a session may do with a state, on exports of both kinds: present = concat(past, new), and shared buffers. */
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import { openModel } from '#engine/models/sources/openModel.ts'

const TOKENS = Array.from({ length: 92 }, (_, i) => (i * 53 + 7) % 890)

describe.each(['gpt2', 'genai-llama-fp32', 'genai-llama-int4'])('a session of the export %s', name => {
  let runtime: Runtime
  beforeAll(async () => {
    runtime = await openRuntime(await openModel(resolve('test/golden/onnx', name)), { device: 'cpu', threads: 1 })
  })
  afterAll(() => runtime.dispose())

  const read = async (tokens: readonly number[]) => {
    using session = runtime.newSession()
    return await session.append(tokens)
  }

  test('a restored state answers bit for bit as the one that went on', async () => {
    using first = runtime.newSession()
    await first.append(TOKENS.slice(0, 70))
    const state = await first.capture()
    const went = await first.append(TOKENS.slice(70, 80))
    using restored = await runtime.restore(state)
    expect(restored.processed).toBe(0)
    expect(await restored.append(TOKENS.slice(70, 80))).toEqual(went)
    expect(restored.processed).toBe(10)
  })

  test('cut back and read on, it answers as a fresh reading; its forks and snapshots do not notice', async () => {
    using session = runtime.newSession()
    await session.append(TOKENS.slice(0, 88))
    const state = await session.capture()
    using fork = await session.fork()
    session.truncate(66)
    const other = [...TOKENS.slice(0, 66), 5, 6, 7]
    const [found, fresh] = [await session.append([5, 6, 7]), await read(other)]
    for (const [id, logit] of fresh.entries()) expect(Math.abs(logit - (found[id] ?? 0))).toBeLessThan(2e-4)
    using restored = await runtime.restore(state)
    const next = await fork.append(TOKENS.slice(88, 92))
    expect(await restored.append(TOKENS.slice(88, 92))).toEqual(next)
    expect(next).not.toEqual(found)
  })

  test('the end of the context is refused before anything runs', async () => {
    using session = runtime.newSession()
    const length = session.contextLength ?? 0
    expect(length).toBeGreaterThan(0)
    await expect(session.append(Array.from({ length: length + 1 }, () => 1))).rejects.toMatchObject({
      code: 'E_CONTEXT_LENGTH',
    })
    expect(session.processed).toBe(0)
  })

  test('a decode step copies none of the context on the host', async () => {
    using session = runtime.newSession()
    await session.append(TOKENS.slice(0, 80))
    const before = session.copiedBytes
    for (const token of TOKENS.slice(80, 90)) await session.append([token])
    expect(session.copiedBytes).toBe(before)
  })
})
