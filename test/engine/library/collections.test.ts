/** Cartridges that belong together: the parts of a long text, and what somebody put together. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parseDigest } from '#shared/domain/digest.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

const MODEL = 'starter-transformer'
/** Longer than the starter's context: two parts that differ. */
const LONG = Array.from({ length: 180 }, (_, i) => `The station ${i} of the line opens at ${i % 24}:30.`).join(' ')

let test: TestEngine
beforeEach(async () => {
  test = await openTestEngine()
})
afterEach(() => test.close())

async function make(...titles: string[]) {
  const made = titles.map(title =>
    test.client.call('packets.create', {
      model: MODEL,
      sources: [{ name: title, text: `The goat ${title}.` }],
      name: title,
    }),
  )
  return (await Promise.all(made)).map(({ cartridge }) => cartridge.packetId)
}
const split = async (title = 'Line') => {
  const sources = [{ name: title, text: LONG }]
  const { parts } = await test.client.call('packets.createSplit', { model: MODEL, title, sources })
  return parts.map(({ cartridge }) => cartridge.packetId)
}
const all = async () => (await test.client.call('collections.list', {})).collections
const items = async (query: object = {}) => {
  const { items, total } = await test.client.call('library.list', { stacked: true, sort: 'name', ...query })
  expect(total).toBe(items.length)
  return items.map(({ name, stack }) => stack?.name ?? name)
}

it('is made of the parts of a long text, in their order, once, and stands as one item in the library', async () => {
  const parts = await split()
  expect(parts.length).toBeGreaterThan(1)
  const [collection, ...others] = await all()
  expect(others).toEqual([])
  expect(collection).toMatchObject({ name: 'Line', packetIds: parts })
  expect(await split()).toEqual(parts)
  expect(await all()).toEqual([collection])
  await make('Alone')
  expect(await items()).toEqual(['Alone', 'Line'])
  expect((await test.client.call('library.list', {})).total).toBe(parts.length + 1)
  expect(await items({ query: 'line' })).toEqual(['Line'])
  const { members, ...whole } = await test.client.call('collections.get', { id: collection?.id ?? '' })
  expect(whole).toEqual(collection)
  expect(members.map(({ packetId }) => packetId)).toEqual(parts)
  const sum = (of: 'tokens' | 'bytes') => members.reduce((total, member) => total + member[of], 0)
  expect([whole.tokens, whole.bytes]).toEqual([sum('tokens'), sum('bytes')])
  const [part = ''] = parts
  expect((await test.client.call('library.get', { ref: part })).collection).toEqual(collection)
})

it('keeps the parts that a cancelled reading made together, and the rest joins them', async () => {
  const stop = new AbortController()
  const cancelled = test.client.call(
    'packets.createSplit',
    { model: MODEL, title: 'Line', sources: [{ name: 'Line', text: LONG.repeat(2) }] },
    { signal: stop.signal, onProgress: ({ part }) => part?.number === 3 && stop.abort() },
  )
  await expect(cancelled).rejects.toMatchObject({ code: 'E_CANCELLED' })
  await expect.poll(all).toMatchObject([{ name: 'Line', packetIds: { length: 2 } }])
  const { parts } = await test.client.call('packets.createSplit', {
    ...{ model: MODEL, title: 'Line', sources: [{ name: 'Line', text: LONG.repeat(2) }] },
  })
  expect(await all()).toMatchObject([{ packetIds: parts.map(({ cartridge }) => cartridge.packetId) }])
})

it('is put together, renamed, reordered and dissolved by hand, and brought back', async () => {
  const [a, b, c] = (await make('a', 'b', 'c')).map(parseDigest)
  if (a === undefined || b === undefined || c === undefined) throw new Error('three were made')
  const id = crypto.randomUUID()
  const other = crypto.randomUUID()
  const save = (change: object, of = id) => test.client.call('collections.save', { id: of, ...change })
  await expect(save({ packetIds: [a, b] })).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
  await expect(save({ name: 'a', packetIds: [a, b] })).rejects.toMatchObject({ code: 'E_CONFLICT' })
  await expect(save({ name: 'Same', packetIds: [a, a] })).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
  const missing = parseDigest(`sha256:${'0'.repeat(64)}`)
  await expect(save({ name: 'Gone', packetIds: [a, missing] })).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
  expect(await all()).toEqual([])
  await save({ name: 'Both', packetIds: [b, a] })
  await expect(save({ name: 'Both', packetIds: [a, c] }, other)).rejects.toMatchObject({ code: 'E_CONFLICT' })
  const whole = await save({ name: 'All', packetIds: [c, b, a] })
  expect(await all()).toEqual([whole])
  expect([whole.name, whole.packetIds]).toEqual(['All', [c, b, a]])
  expect(await items()).toEqual(['All'])
  // What goes into another leaves this one; with one left it is none.
  await save({ name: 'Others', packetIds: [a, b] }, other)
  expect(await items()).toEqual(['c', 'Others'])
  const dissolved = await test.client.call('collections.dissolve', { id: other })
  expect(await items()).toEqual(['a', 'b', 'c'])
  const { name, packetIds } = dissolved
  await save({ name, packetIds }, other)
  expect(await items()).toEqual(['c', 'Others'])
  await expect(test.client.call('collections.dissolve', { id })).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
})

it('is deleted with its cartridges, comes back with them, and is forgotten with them', async () => {
  const parts = await split()
  const [before] = await all()
  await test.client.call('library.delete', { packetIds: parts.map(parseDigest) })
  expect([await all(), await items()]).toEqual([[], []])
  await test.client.call('library.restore', { packetIds: parts.map(parseDigest) })
  expect([await all(), await items()]).toEqual([[before], ['Line']])
  const [first, ...rest] = parts.map(parseDigest)
  await test.client.call('library.delete', { packetIds: rest })
  expect([await all(), await items()]).toEqual([[], [`Line, part 1 of ${parts.length}`]])
  const { library } = test.engine.state.store
  library.packets.forget(rest)
  const left = 'SELECT packet_id FROM collection_members'
  expect(library.connection.prepare(left).pluck().all()).toEqual([first])
  library.packets.forget(first === undefined ? [] : [first])
  expect(library.connection.prepare('SELECT count(*) FROM collections').pluck().get()).toBe(0)
})
