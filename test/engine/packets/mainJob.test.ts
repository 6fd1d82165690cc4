import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assemble } from '#engine/packets/assemble.ts'
import { openState } from '#engine/packets/openState.ts'
import { readPacket } from '#engine/packets/packet.ts'
import { publish } from '#engine/packets/publish.ts'
import { blobSha256 } from '#engine/packets/stateLayers.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { parseDigest } from '#shared/domain/digest.ts'
import { bundledText, openTestEngine, plainAnswer, questionDelta, type TestEngine } from '../testEngine.ts'

const MODELS = ['starter-transformer', 'starter-mamba'] as const
let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

async function create(model: string, name: string, dtype?: 'float32') {
  const { title, text } = await bundledText(name)
  return test.client.call('packets.create', { model, sources: [{ name: title, text }], dtype })
}

describe.each(MODELS)('the main job on %s', model => {
  it('reads a text once, proves it, answers from it by the delta alone, and cannot without it', async () => {
    const { questions } = await bundledText('card-station')
    const created = await create(model, 'card-station')
    expect(created.cacheHit).toBe(false)
    expect(created.tokensProcessed).toBe(created.cartridge.tokens)
    const verified = await test.client.call('packets.verify', { ref: created.cartridge.packetId, level: 'recomputed' })
    expect(verified).toMatchObject({ ok: true, level: 'recomputed' })
    expect(verified.checks.filter(check => !check.ok)).toEqual([])

    let right = 0
    for (const [question, answer] of questions) {
      const delta = questionDelta(question)
      const result = await test.client.call('packets.infer', { ref: created.cartridge.packetId, delta })
      if (plainAnswer(result.output) === answer) right++
      const { base, tail, delta: added, generated, processed, naive } = result.tokens
      // Counted at the session: restoring ran nothing, and what ran is exactly this.
      expect(processed).toBe(tail + added + generated)
      expect(generated).toBe(result.outputTokenIds.length)
      expect(naive).toBe(base + added + generated)
      const without = await test.client.call('packets.infer', { model, delta: `Question: ${question}\nAnswer:` })
      expect(plainAnswer(without.output)).toBe("I don't know")
    }
    expect(right).toBeGreaterThanOrEqual(model === 'starter-mamba' ? 6 : 10)
  })

  it('finds a stored context again instead of reading it, and never changes a base', async () => {
    const first = await create(model, 'card-coffee')
    const again = await create(model, 'card-coffee')
    expect(again).toMatchObject({ cacheHit: true, tokensProcessed: 0, bytesWritten: 0 })
    expect(again.cartridge.packetId).toBe(first.cartridge.packetId)
    const ask = () =>
      test.client.call('packets.infer', {
        ref: first.cartridge.contextId,
        delta: questionDelta('Who is the manager of Harbor Coffee?'),
      })
    const [one, two] = [await ask(), await ask()]
    expect(two.outputTokenIds).toEqual(one.outputTokenIds)
    expect(two.newPacketId).toBe(one.newPacketId)
    expect(two.receipt.operation_id).toBe(one.receipt.operation_id)
  })

  it('keeps a conversation: output kept, then asked on, equals the transcript that was read', async () => {
    const { cartridge } = await create(model, 'card-coffee')
    const delta = questionDelta('What does Anders like?')
    const kept = await test.client.call('packets.infer', { ref: cartridge.packetId, delta, keepOutput: true })
    const packet = await readPacket(test.engine.state.store.blobs, kept.newPacketId as Digest)
    expect(packet.config.segments.at(-1)?.kind).toBe('generated')
    expect(packet.config.tail.text).toBe('')
    const next = await test.client.call('packets.infer', {
      ref: kept.newPacketId as string,
      delta: 'Question: Where is Tobias from?\nAnswer:',
    })
    expect(next.tokens.base).toBe(kept.tokens.base + kept.tokens.delta + kept.tokens.generated)
    expect(next.tokens.tail).toBe(0)
  })

  it('answers as the text whose tensors it holds: swapped, rehashed and trusted', async () => {
    const { state } = test.engine
    // Equally long, so that even keys and values can change places without a shape giving it away.
    const cut = async (name: string) => {
      const { text } = await bundledText(name)
      const { cartridge } = await test.client.call('packets.create', {
        model,
        sources: [{ name: 'cut', text }],
        dtype: 'float32',
        firstTokens: 96,
      })
      return openState(state, cartridge.packetId)
    }
    const [station, contract] = [await cut('card-station'), await cut('card-contract')]
    const forged = await assemble({
      ...station,
      model: station.loaded.model,
      origin: { kind: 'tokens' },
      snapshot: contract.snapshot,
      logits: contract.logits,
      loss: null,
      parents: [],
      sources: [],
      recipe: { steps: [], systemPrompt: null, template: false },
    })
    const elsewhere = await openTestEngine()
    try {
      const { packetId } = await publish(elsewhere.engine.state, {
        assembled: forged,
        call: {},
        trust: 'trusted',
        operation: ({ packetId }) => ({ receipt: { op: 'import', packet_id: packetId } }),
      })
      const answers = async ({ client }: TestEngine, ref: string) => {
        const { questions } = await bundledText('card-contract')
        const outputs = await Promise.all(
          questions.map(([question]) => client.call('packets.infer', { ref, delta: questionDelta(question) })),
        )
        return outputs.map(({ output }) => output)
      }
      const forgedAnswers = await answers(elsewhere, packetId)
      expect(forgedAnswers).toEqual(await answers(test, contract.packet?.packetId ?? ''))
      expect(forgedAnswers).not.toEqual(await answers(test, station.packet?.packetId ?? ''))
      // The bytes agree with their digests; only reading the tokens again shows the forgery.
      await expect(elsewhere.client.call('packets.verify', { ref: packetId })).resolves.toMatchObject({
        level: 'intact',
      })
      await expect(
        elsewhere.client.call('packets.verify', { ref: packetId, level: 'recomputed' }),
      ).rejects.toMatchObject({ code: 'E_NOT_RECOMPUTED' })
    } finally {
      await elsewhere.close()
    }
  })
})

it('refuses a cartridge of the other model by naming the component', async () => {
  const { cartridge } = await create('starter-transformer', 'card-station')
  await expect(
    test.client.call('packets.infer', { ref: cartridge.packetId, model: 'starter-mamba', delta: 'x' }),
  ).rejects.toMatchObject({
    code: 'E_COMPONENT_MISMATCH',
    details: { component: expect.any(String), expected: expect.any(String), found: expect.any(String) },
  })
})

it('records what the model expected at each position, stored by digest with the receipt', async () => {
  const { cartridge } = await create('starter-transformer', 'card-coffee')
  const delta = questionDelta('What does Anders like?')
  const plain = await test.client.call('packets.infer', { ref: cartridge.packetId, delta })
  const traced = await test.client.call('packets.infer', { ref: cartridge.packetId, delta, trace: true })
  expect(traced.outputTokenIds).toEqual(plain.outputTokenIds)
  const trace = await test.client.call('receipts.trace', { id: traced.receipt.receipt_id })
  expect(trace.read).toHaveLength(traced.tokens.tail + traced.tokens.delta)
  expect(trace.read.map(step => step.text).join('')).toContain('What does Anders like?')
  expect(trace.generated.map(step => step.id)).toEqual(traced.outputTokenIds)
  // Greedy: every generated token was the most likely one, and its surprise is that of its probability.
  for (const { id, top, surprisalBits } of trace.generated) {
    expect(top[0]?.id).toBe(id)
    expect(2 ** -(surprisalBits ?? 0)).toBeCloseTo(top[0]?.probability ?? 0, 4)
  }
  expect(trace.readBits).toBeCloseTo(
    trace.read.reduce((sum, step) => sum + (step.surprisalBits ?? 0), 0),
    6,
  )
  await expect(test.client.call('receipts.trace', { id: plain.receipt.receipt_id })).rejects.toMatchObject({
    code: 'E_NOT_FOUND',
  })
})

it('signs one receipt for each operation, and all verify', async () => {
  const { receipts } = test.engine.state
  const before = receipts.count
  const { cartridge } = await create('starter-transformer', 'card-contract')
  await test.client.call('packets.delta', { ref: cartridge.packetId, delta: 'More.\n' })
  await test.client.call('packets.merge', { ref: cartridge.packetId, delta: 'More.\n' })
  await test.client.call('packets.export', { ref: cartridge.packetId })
  expect(receipts.count).toBe(before + 4)
  const report = await test.client.call('receipts.verify', {})
  expect(report).toMatchObject({ ok: true, verified: receipts.count, problem: null })
})

it('gives the same operation_id when an operation is run again', async () => {
  const { receipts } = await test.client.call('receipts.list', { limit: 1000 })
  const replayable = receipts.filter(
    receipt => ['create', 'merge', 'verify'].includes(receipt.op) || receipt.op === 'infer',
  )
  const picked = ['create', 'merge', 'infer', 'verify'].flatMap(op => replayable.find(r => r.op === op && r.ok) ?? [])
  expect(picked.length).toBe(4)
  for (const { receipt_id } of picked) {
    const replay = await test.client.call('receipts.replay', { id: receipt_id })
    expect(replay.differences).toEqual([])
    expect(replay.same).toBe(true)
  }
})

it('signs what stands in the store, and nothing that replaying it refutes', async () => {
  const source = { name: 'goat', text: 'Facts about the red goat. The goat lives in Oslo.\n' }
  const make = (more: object = {}) =>
    test.client.call('packets.create', { model: 'starter-transformer', sources: [source], ...more })
  const first = await make()
  const { engine } = test
  const stored = async (packetId: string) =>
    blobSha256((await readPacket(engine.state.blobs, parseDigest(packetId))).config)
  const merged = await test.client.call('packets.merge', { ref: first.cartridge.packetId, delta: 'It likes pears.\n' })
  const whole = { name: 'all', text: `${source.text}It likes pears.\n` }
  const receipts = [
    first.receipt,
    (await make()).receipt,
    (await make({ firstTokens: 5 })).receipt,
    (await make({ seam: 'concat' })).receipt,
    merged.receipt,
    // Meets the packet that the merge stored.
    (await make({ sources: [whole] })).receipt,
    (await test.client.call('packets.compact', { ref: merged.cartridge.packetId, dropSteps: [] })).created.receipt,
  ]
  expect(receipts[1]?.op).toBe('create')
  for (const { packet_id, blob_sha256, receipt_id, op } of receipts) {
    expect(`sha256:${blob_sha256}`, op).toBe(await stored(packet_id ?? ''))
    if (op === 'compact') continue
    const replay = await test.client.call('receipts.replay', { id: receipt_id })
    expect([op, replay.differences, replay.same]).toEqual([op, [], true])
  }
})
