/** A figure that is shown in two places is the same in both: what was said before something is done, and what came of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stateDtypeSchema } from '#shared/domain/cartridge.ts'
import { exported, openTestEngine, type TestEngine } from './testEngine.ts'

const MODELS = ['starter-transformer', 'starter-mamba'] as const
const lockers = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `The locker ${from + i} on the pier is empty and painted green.`).join('\n')
const source = (text: string) => ({ name: text.slice(0, 16), text })

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

describe('an estimate', () => {
  const cases = MODELS.flatMap(model => stateDtypeSchema.options.map(dtype => ({ model, dtype })))
  it.each(cases)('$model as $dtype is what is made, within a twentieth', async ({ model, dtype }) => {
    for (const lines of [1, 30]) {
      const reading = { model, dtype, sources: [source(`${dtype}, ${lockers(0, lines)}`)] }
      const estimate = await test.client.call('packets.estimate', reading)
      const { cartridge } = await test.client.call('packets.create', reading)
      expect(cartridge.tokens).toBe(estimate.tokens)
      expect(Math.abs(cartridge.bytes - estimate.bytes) / estimate.bytes).toBeLessThan(0.05)
    }
  })

  it.each(MODELS)('of several texts counts each in %s', async model => {
    const sources = [100, 200, 300].map(from => source(lockers(from, 4)))
    const estimate = await test.client.call('packets.estimate', { model, sources, each: true })
    const made = await Promise.all(sources.map(one => test.client.call('packets.create', { model, sources: [one] })))
    const sum = (of: (one: (typeof made)[number]) => number) => made.reduce((total, one) => total + of(one), 0)
    expect(estimate.parts).toBe(3)
    expect(sum(({ cartridge }) => cartridge.tokens)).toBe(estimate.tokens)
    expect(Math.abs(sum(({ cartridge }) => cartridge.bytes) - estimate.bytes) / estimate.bytes).toBeLessThan(0.05)
  })

  // Paragraphs of more than half a part leave much of each free.
  const paragraphs = Array.from({ length: 7 }, (_, i) => lockers(900 + 80 * i, 70)).join('\n\n')
  const noSpaces = Array.from({ length: 90 }, (_, i) => `第${i}条。中庭の門は午後十時に閉まる。`).join('')
  it.each([
    ['lines', lockers(400, 200)],
    ['paragraphs', paragraphs],
    ['lines of Windows', paragraphs.replaceAll('\n', '\r\n')],
    ['sentences without spaces', noSpaces],
  ])('of a text of %s that is cut in parts is of all of them', async (name, text) => {
    const reading = { model: 'starter-transformer', sources: [{ name, text }] }
    const estimate = await test.client.call('packets.estimate', reading)
    expect(estimate).toMatchObject({ fits: false, readsAtOnce: true, approximate: false })
    const { parts } = await test.client.call('packets.createSplit', reading)
    expect(estimate.parts).toBe(parts.length)
    expect(estimate.tooLong).toEqual([{ name, parts: parts.length, approximate: false }])
    const bytes = parts.reduce((total, { cartridge }) => total + cartridge.bytes, 0)
    expect(Math.abs(bytes - estimate.bytes) / estimate.bytes).toBeLessThan(0.1)
  })

  it('names, of several texts, those that are too long for one cartridge', async () => {
    const sources = [source(lockers(0, 4)), { name: 'the long one', text: lockers(2000, 200) }]
    const estimate = await test.client.call('packets.estimate', { model: 'starter-transformer', sources, each: true })
    expect(estimate.fits).toBe(false)
    expect(estimate.tooLong).toEqual([{ name: 'the long one', parts: estimate.parts - 1, approximate: false }])
  })

  it.each(MODELS)(
    'of a text longer than what is read at once says so, and about how much it is, in %s',
    async model => {
      const text = lockers(0, 170_000)
      const name = 'pier'
      const estimate = await test.client.call('packets.estimate', { model, sources: [{ name, text }] })
      expect(estimate).toMatchObject({ approximate: true, fits: false, readsAtOnce: false })
      expect(estimate.tooLong).toEqual([{ name, parts: estimate.parts, approximate: true }])
      const some = lockers(85_000, 100)
      const { tokens } = await test.client.call('packets.estimate', { model, sources: [{ name, text: some }] })
      expect(Math.abs(((tokens / some.length) * text.length) / estimate.tokens - 1)).toBeLessThan(0.1)
      if (estimate.contextLength === null) expect(estimate.parts).toBe(2)
      else expect(estimate.parts * (estimate.mostTokens ?? 0)).toBeGreaterThan(estimate.tokens)
    },
  )

  it('says of each text whether it was measured on a sample, and counts control tokens in one way only', async () => {
    const long = `${'<|endoftext|> '.repeat(40)}${lockers(0, 30_000)}`
    const sources = [{ name: 'long', text: long }, source(lockers(2000, 200))]
    const model = 'starter-transformer'
    const estimate = await test.client.call('packets.estimate', { model, sources, each: true })
    expect(estimate.tooLong.map(({ approximate }) => approximate)).toEqual([true, false])
    expect(estimate.controlTokensInText).toBeGreaterThan(0)
    expect(estimate.notes).toEqual([])
  })

  it('of a text longer than what is read at once is of several cartridges, wherever its long letters stand', async () => {
    // Nearly all of them where no sample is taken.
    const plain = lockers(0, 130_000)
    const text = `${plain.slice(0, 70_000)}${'緑'.repeat(400_000)}${plain.slice(0, 7_200_000)}`
    const reading = { model: 'starter-mamba', sources: [{ name: 'long', text }] }
    const estimate = await test.client.call('packets.estimate', reading)
    expect(estimate).toMatchObject({ approximate: true, readsAtOnce: false, fits: false, parts: 2 })
  })
})

it.each(MODELS)('tokens counted while a question is typed are those that are read, in %s', async model => {
  const { cartridge } = await test.client.call('packets.create', { model, sources: [source(lockers(700, 3))] })
  const ref = cartridge.packetId
  const question = 'Which colour is the locker?'
  const read = ({ tail, delta }: { tail: number; delta: number }) => tail + delta
  const counted = async (of: { ref: string } | { model: string }) =>
    (await test.client.call('packets.count', { ...of, text: question, chat: true })).count

  const first = await test.client.call('ask.ask', { ref, question, maxNewTokens: 2 })
  const tokens = first.step?.tokens ?? expect.fail('no turn')
  expect(read(tokens)).toBe(await counted({ ref }))
  // More than the words alone.
  expect(read(tokens)).toBeGreaterThan((await test.client.call('packets.count', { model, text: question })).count)

  const parentId = first.step?.id ?? ''
  const later = await test.client.call('ask.ask', { ref, parentId, question, maxNewTokens: 2 })
  expect(read(later.step?.tokens ?? expect.fail('no turn'))).toBe(await counted({ ref: first.step?.packetId ?? '' }))

  const bare = await test.client.call('ask.ask', { model, question, maxNewTokens: 2 })
  expect(read(bare.step?.tokens ?? expect.fail('no turn'))).toBe(await counted({ model }))
})

it.each(MODELS)('a model has as many layers in every part of its cartridges, in %s', async model => {
  const { cartridge } = await test.client.call('packets.create', { model, sources: [source(lockers(800, 2))] })
  const { kv, ssm, components } = await test.client.call('packets.inspect', { ref: cartridge.packetId })
  const shapes = components.flatMap(({ component, shape }) =>
    ['cache', 'norms', 'mixers'].includes(component.id) ? [shape] : [],
  )
  expect(shapes).toHaveLength(3)
  for (const shape of shapes) expect(shape).toMatch(new RegExp(`^${kv.length + ssm.length} layers`))
})

it('a file that leaves has the size that was told before, within a twentieth', async () => {
  for (const model of MODELS) {
    const { cartridge } = await test.client.call('packets.create', { model, sources: [source(lockers(950, 3))] })
    const ref = cartridge.packetId
    const told = async () => (await test.client.call('packets.exportReview', { ref })).bytes
    const before = await told()
    const { length } = await exported(test.client, { ref })
    expect(Math.abs(length - before) / length).toBeLessThan(0.05)
    // Signed and with its receipt, it is known to the byte.
    expect(await told()).toBe(length)
  }
})

it('a receipt names the cartridge that it is about, and a cartridge counts all of its receipts', async () => {
  const model = 'starter-transformer'
  const made = { model, sources: [source(lockers(900, 2))], name: 'Lockers' }
  const { cartridge } = await test.client.call('packets.create', made)
  const ref = cartridge.packetId
  const first = await test.client.call('ask.ask', { ref, question: 'Which?', maxNewTokens: 1 })
  const parentId = first.step?.id ?? ''
  await test.client.call('ask.ask', { ref, parentId, question: 'Which?', maxNewTokens: 1 })
  await test.client.call('ask.ask', { model, question: 'Which?', maxNewTokens: 1 })
  const { receipts, names } = await test.client.call('receipts.list', { limit: 4 })
  expect(receipts.map(({ packet_id }) => (packet_id === null ? null : names[packet_id]))).toEqual([
    ...[null, 'Lockers, after an answer', 'Lockers', 'Lockers'],
  ])
  for (const { receipt_id, packet_id } of receipts) {
    const { name } = await test.client.call('receipts.get', { id: receipt_id })
    expect(name).toBe(packet_id === null ? null : names[packet_id])
  }
  for (let i = 0; i < 25; i++) await test.client.call('packets.verify', { ref })
  const { total } = await test.client.call('receipts.list', { packetId: ref })
  expect(total).toBeGreaterThan(25)
  expect((await test.client.call('library.get', { ref })).receipts).toBe(total)
})
