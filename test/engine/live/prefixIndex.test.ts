import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PrefixIndex, prefixMarks } from '#engine/live/prefixIndex.ts'
import { sha256 } from '#engine/sha256.ts'
import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { exported, openTestEngine, questionDelta, type TestEngine } from '../testEngine.ts'

const model = sha256('a model')

describe('chains of tokens', () => {
  it('are equal exactly where the tokens up to there are', () => {
    const tokens = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 300 })
    fc.assert(
      fc.property(tokens, tokens, (a, b) => {
        const [left, right] = [prefixMarks(model, Int32Array.from(a)), prefixMarks(model, Int32Array.from(b))]
        for (const { chain, position } of left) {
          const other = right.find(mark => mark.position === position)
          if (other === undefined) continue
          expect(chain === other.chain).toBe(a.slice(0, position).join() === b.slice(0, position).join())
        }
      }),
    )
  })

  it('belong to one model', () => {
    const tokens = Int32Array.from({ length: 100 }, (_, i) => i)
    const other = new Set(prefixMarks(sha256('another'), tokens).map(({ chain }) => chain))
    expect(prefixMarks(model, tokens).filter(({ chain }) => other.has(chain))).toEqual([])
  })

  it('stand after 16, 32, 48, 64 tokens, each further 64, and at the end', () => {
    const at = (length: number) => prefixMarks(model, new Int32Array(length)).map(({ position }) => position)
    expect([at(15), at(16), at(50), at(64), at(150)]).toEqual([
      [],
      [16],
      [16, 32, 48, 50],
      [16, 32, 48, 64],
      [16, 32, 48, 64, 128, 150],
    ])
  })
})

describe('the states that begin like a text', () => {
  const long = Int32Array.from({ length: 400 }, (_, i) => i)
  /** States that leave `long` after so many tokens and go on to others, or end there. */
  const indexOf = (states: readonly { shared: number; length: number; dtype?: StateDtype }[]) => {
    const index = new PrefixIndex(async () => ({ withPrefix: () => [], prefixLengths: () => [] }))
    const named = new Map<Digest, (typeof states)[number]>()
    for (const [at, state] of states.entries()) {
      const tokens = long.slice(0, state.length).map((id, place) => (place < state.shared ? id : id + 1000 * (at + 1)))
      const packetId = sha256(`state ${at}`)
      named.set(packetId, state)
      index.add({ packetId, dtype: state.dtype ?? 'float32', marks: prefixMarks(model, tokens) })
    }
    const found = async () => {
      const all = new Set<Digest>()
      for await (const { packetId } of index.candidates(model, long, ['float32'])) all.add(packetId)
      return [...all].map(packetId => named.get(packetId))
    }
    return { index, named, found }
  }

  it('come in the order of how much they share, short of a block, too', async () => {
    const states = [0, 15, 16, 40, 63, 64, 130, 400].map(shared => ({ shared, length: 400 }))
    const found = await indexOf(states).found()
    expect(found.map(state => state?.shared)).toEqual([400, 130, 64, 63, 40, 16])
  })

  it('are found however many newer ones begin alike: one that ends there, and one of the right dtype', async () => {
    const base = { shared: 300, length: 300 }
    const exact = { shared: 310, length: 320 }
    const others = Array.from({ length: 40 }, () => ({ shared: 300, length: 350, dtype: 'float16' as const }))
    const longer = Array.from({ length: 20 }, () => ({ shared: 300, length: 350 }))
    expect(await indexOf([exact, ...others]).found()).toContain(exact)
    const [first] = await indexOf([base, ...others, ...longer]).found()
    expect(first).toBe(base)
  })

  it('are gone when they are taken out', async () => {
    const { index, named, found } = indexOf([
      { shared: 100, length: 100 },
      { shared: 90, length: 130 },
    ])
    for (const packetId of named.keys()) index.remove(packetId)
    expect(await found()).toEqual([])
  })
})

const fact = (seed: number) => (i: number) => `Fact ${i}: goat ${i} of herd ${seed} lives in house ${i * 7 + seed}.`
const text = (seed: number, facts = 30) => Array.from({ length: facts }, (_, i) => fact(seed)(i)).join('\n')

describe.each(['starter-transformer', 'starter-mamba'] as const)('a beginning that %s has read', name => {
  let studio: TestEngine
  beforeAll(async () => {
    studio = await openTestEngine()
  })
  afterAll(() => studio.close())
  const create = (body: string, more: { name?: string; systemPrompt?: string } = {}) =>
    studio.client.call('packets.create', { model: name, sources: [{ name: 'facts', text: body }], ...more })

  it('is not read again, and the longer state equals one that was read at once', async () => {
    const short = await create(text(1), { name: 'Herd one' })
    const more = '\nAnd cow 5 lives in barn 15.\nAnd cow 6 lives in barn 18.'
    const long = await create(text(1) + more)
    expect(long.reused).toMatchObject({ packetId: short.cartridge.packetId, name: 'Herd one' })
    expect(long.tokensProcessed + (long.reused?.tokens ?? 0)).toBe(long.cartridge.tokens)
    expect(long.tokensProcessed).toBeLessThan(60)

    const alone = await openTestEngine()
    try {
      const whole = await alone.client.call('packets.create', {
        ...{ model: name, sources: [{ name: 'facts', text: text(1) + more }] },
      })
      expect(whole.reused).toBeNull()
      expect(whole.cartridge.contextId).toBe(long.cartridge.contextId)
      const delta = questionDelta('Where does cow 6 live?')
      const ask = ({ client }: TestEngine, ref: string) => client.call('packets.infer', { ref, delta, maxNewTokens: 8 })
      expect((await ask(studio, long.cartridge.packetId)).outputTokenIds).toEqual(
        (await ask(alone, whole.cartridge.packetId)).outputTokenIds,
      )
    } finally {
      await alone.close()
    }
    const checked = await studio.client.call('packets.verify', { ref: long.cartridge.packetId, level: 'recomputed' })
    expect(checked.ok).toBe(true)
    const replayed = await studio.client.call('receipts.replay', { id: long.receipt.receipt_id })
    expect(replayed).toMatchObject({ same: true, differences: [] })
  })

  it('serves a text that ends or goes on otherwise earlier: keys and values are cut back, checkpoints kept', async () => {
    const long = await create(text(2), { name: 'Herd two' })
    const cut = await create(`${text(2, 20)}\nBut the rest of this text is about cows in barns.`)
    expect(cut.reused?.packetId).toBe(long.cartridge.packetId)
    expect(cut.tokensProcessed).toBeLessThan(name === 'starter-transformer' ? 60 : 60 + 64)
    expect(cut.reuseMissed).toMatch(
      /^Herd two goes on differently from token \d+, in its text: “[^”]+” there, “[^”]+” here\.$/,
    )
    expect(cut.tokensProcessed + (cut.reused?.tokens ?? 0)).toBe(cut.cartridge.tokens)
    expect((await studio.client.call('packets.verify', { ref: cut.cartridge.packetId, level: 'recomputed' })).ok).toBe(
      true,
    )
  })

  it('is found when a text is appended, too', async () => {
    const base = await create(text(3, 10))
    const tail = `\n${text(4, 12)}`
    const whole = await create(`${text(3, 10)}${tail}\nThe end of this herd.`)
    expect(whole.reused?.packetId).toBe(base.cartridge.packetId)
    const merged = await studio.client.call('packets.merge', { ref: base.cartridge.packetId, delta: tail })
    if (name === 'starter-transformer') expect(merged.reused?.packetId).toBe(whole.cartridge.packetId)
    expect(merged.tokensProcessed + (merged.reused?.tokens ?? base.cartridge.tokens)).toBe(merged.cartridge.tokens)
    expect(
      (await studio.client.call('packets.verify', { ref: merged.cartridge.packetId, level: 'recomputed' })).ok,
    ).toBe(true)
  })

  it('is not taken from an import that nobody trusts', async () => {
    const elsewhere = await openTestEngine()
    try {
      const { cartridge } = await elsewhere.client.call('packets.create', {
        ...{ model: name, sources: [{ name: 'facts', text: text(5) }] },
      })
      const bytes = await exported(elsewhere.client, { ref: cartridge.packetId })
      await studio.client.call('packets.import', { trust: false }, { upload: [bytes] })
      const own = await create(`${text(5)}\nAnd cow 9 lives in barn 27.`)
      expect(own.reused).toBeNull()
      await studio.client.call('library.trust', { packetId: cartridge.packetId })
      const trusting = await create(`${text(5)}\nOr cow 8 lives in barn 24.`)
      expect([cartridge.packetId, own.cartridge.packetId]).toContain(trusting.reused?.packetId)
    } finally {
      await elsewhere.close()
    }
  })
})
