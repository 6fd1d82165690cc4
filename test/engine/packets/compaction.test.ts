import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { mergeChain } from '#engine/packets/mergeChain.ts'
import { openState } from '#engine/packets/openState.ts'
import type { CompactionPolicy } from '#shared/domain/compaction.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())
beforeEach(() => policy('never'))

const policy = (compaction: CompactionPolicy) => test.client.call('settings.set', { compaction })
const merge = (ref: string, delta: string, name?: string) =>
  test.client.call('packets.merge', { ref, delta, ...(name === undefined ? {} : { name }) })
const compactions = async () => (await test.client.call('receipts.list', { op: 'compact' })).total
let made = 0
async function create(text: string, model = 'starter-transformer') {
  made += 1
  const sources = [{ name: `base ${made}`, text: `Number ${made}.\n${text}` }]
  return (await test.client.call('packets.create', { model, sources })).cartridge
}

it('never folds unless told to, and that is the default', async () => {
  const fresh = await openTestEngine()
  expect((await fresh.client.call('settings.get', {})).compaction).toBe('never')
  await fresh.close()
  const before = await compactions()
  let ref: string = (await create('Short.\n')).packetId
  for (let i = 0; i < 4; i++) {
    const merged = await merge(ref, `A much longer text than the base, number ${i}.\n`)
    expect(merged).toMatchObject({ compacted: false, compactReceipt: null })
    ref = merged.cartridge.packetId
  }
  expect(await compactions()).toBe(before)
})

it('threshold: folds at three steps once the merged words match the base, into the very same context', async () => {
  // "Number", its number, and four words.
  const base = await create('one two three four\n')
  await policy('threshold')
  const first = await merge(base.packetId, 'a b c d e f g h\n')
  const second = await merge(first.cartridge.packetId, 'i j\n')
  expect([first.compacted, second.compacted]).toEqual([false, false])
  await policy('never')
  const plain = await merge(second.cartridge.packetId, 'k l\n')
  const expected = await openState(test.engine.state, plain.cartridge.packetId)
  await policy('threshold')
  const third = await merge(second.cartridge.packetId, 'k l\n')
  expect(third.compacted).toBe(true)
  expect(third.cartridge.contextId).toBe(expected.contextId)
  expect(third.receipt.op).toBe('merge')
  expect(third.compactReceipt).toMatchObject({ op: 'compact', ok: true, packet_id: third.cartridge.packetId })
  // Folding read the whole context once more, and that is counted.
  expect(third.tokensProcessed).toBeGreaterThanOrEqual(expected.tokens.length)
  // The steps on the way are released, what has a name stays.
  await expect(test.client.call('library.get', { ref: second.cartridge.packetId })).rejects.toMatchObject({
    code: 'E_NOT_FOUND',
  })
  await expect(test.client.call('library.get', { ref: base.packetId })).resolves.toMatchObject({
    summary: { packetId: base.packetId },
  })
  // A new chain begins there.
  expect(await mergeChain(test.engine.state, third.cartridge.packetId)).toMatchObject({ steps: 0 })
  const fourth = await merge(third.cartridge.packetId, 'm n\n')
  expect(fourth.compacted).toBe(false)
  expect(await mergeChain(test.engine.state, fourth.cartridge.packetId)).toMatchObject({ steps: 1, deltaWords: 2 })
})

it('counts what a chain has: steps, words and tokens of base and deltas', async () => {
  const base = await create('red green blue\n')
  const one = await merge(base.packetId, 'six more words stand here now\n')
  const two = await merge(one.cartridge.packetId, 'two words\n')
  expect(await mergeChain(test.engine.state, two.cartridge.packetId)).toEqual({
    steps: 2,
    baseWords: 5,
    deltaWords: 8,
    baseTokens: base.tokens,
    deltaTokens: two.cartridge.tokens - base.tokens,
  })
  expect(await mergeChain(test.engine.state, base.packetId)).toMatchObject({ steps: 0, deltaTokens: 0 })
})

it('takes a text that is only called "merge" for what it is', async () => {
  const source = { name: 'merge', text: 'a text that was read first\n' }
  const { cartridge } = await test.client.call('packets.create', { model: 'starter-transformer', sources: [source] })
  expect(await mergeChain(test.engine.state, cartridge.packetId)).toMatchObject({ steps: 0, deltaWords: 0 })
})

it('savings: folds when less than 70 % of the context is base', async () => {
  const base = await create((await bundledText('card-coffee')).text)
  await policy('savings')
  const small = await merge(base.packetId, 'A few words.\n')
  expect(small.compacted).toBe(false)
  const big = await merge(small.cartridge.packetId, (await bundledText('card-station')).text)
  const share = base.tokens / big.cartridge.tokens
  expect(share).toBeLessThan(0.7)
  expect(big.compacted).toBe(true)
})

it.each(['starter-transformer', 'starter-mamba'])(
  'always: each merge on %s is folded, with its name kept',
  async model => {
    const base = await create('The gate is blue.\n', model)
    await policy('always')
    const one = await merge(base.packetId, 'The owner is Ada.\n', `Folded ${model}`)
    expect(one).toMatchObject({ compacted: true, cartridge: { name: `Folded ${model}` } })
    const two = await merge(one.cartridge.packetId, 'The price is 90.\n')
    expect(two.compacted).toBe(true)
    expect(await mergeChain(test.engine.state, two.cartridge.packetId)).toMatchObject({ steps: 0 })
    await expect(
      test.client.call('packets.verify', { ref: two.cartridge.packetId, level: 'recomputed' }),
    ).resolves.toMatchObject({ ok: true, level: 'recomputed' })
    expect((await test.client.call('receipts.verify', {})).ok).toBe(true)
  },
)

it('leaves alone what cannot be folded: answers that were kept', async () => {
  const base = await create((await bundledText('card-coffee')).text)
  await policy('always')
  const { step } = await test.client.call('ask.ask', { ref: base.packetId, question: 'Who?', maxNewTokens: 4 })
  const merged = await merge(step?.packetId ?? '', 'More.\n')
  expect(merged.compacted).toBe(false)
  expect(await mergeChain(test.engine.state, merged.cartridge.packetId)).toBeNull()
})

it('folds a base of several texts into its own context, and refuses what would become another', async () => {
  const sources = ['First text.', 'Second text.'].map(text => ({ name: text, text }))
  const base = await test.client.call('packets.create', { model: 'starter-transformer', sources })
  const merged = await merge(base.cartridge.packetId, ' And more.\n')
  const folded = await test.client.call('packets.compact', { ref: merged.cartridge.packetId })
  expect(folded.created.cartridge.contextId).toBe(merged.cartridge.contextId)
  // State Pack's own seam splits where one pass would not.
  const sloppy = await test.client.call('packets.merge', {
    ref: (await create('An unfinis')).packetId,
    delta: 'hed word.\n',
    seam: 'concat',
  })
  await expect(test.client.call('packets.compact', { ref: sloppy.cartridge.packetId })).rejects.toMatchObject({
    code: 'E_NOT_SUPPORTED',
  })
  await policy('always')
  const again = await test.client.call('packets.merge', {
    ref: (await create('Another unfinis')).packetId,
    delta: 'hed word.\n',
    seam: 'concat',
  })
  expect(again.compacted).toBe(false)
})
