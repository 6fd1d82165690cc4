import { expect, test } from 'vitest'
import { createClient, type Output } from '#shared/rpc/client.ts'
import type { EventName } from '#shared/rpc/events.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import { createLibraryStore } from '../../../renderer/stores/libraryStore.ts'

type Page = Output<'library.list'>
interface Asked {
  readonly query?: string
  readonly offset: number
  readonly limit: number
}

/** An engine's library of `names`, whose answers a test releases in the order it likes. */
function library(names: () => readonly string[]) {
  const asked: { readonly input: Asked; readonly answer: () => void }[] = []
  const listeners = new Set<(name: EventName, data: unknown) => void>()
  const transport: Transport = {
    call: (_method, input) =>
      new Promise(resolve => {
        const { query = '', offset, limit } = input as Asked
        const found = names().filter(name => name.includes(query))
        const items = found.slice(offset, offset + limit).map(name => ({ packetId: name, name, stack: null }))
        const facets = { all: found.length, kind: {}, model: {}, trust: {}, verified: {}, tag: {} }
        const data = { items, total: found.length, facets } as unknown as Page
        asked.push({ input: input as Asked, answer: () => resolve({ ok: true, data }) })
      }),
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return {
    asked,
    store: createLibraryStore(createClient(transport)),
    emit: (name: EventName, data: unknown) => {
      for (const listener of listeners) listener(name, data)
    },
  }
}
const settled = () => new Promise(resolve => setTimeout(resolve, 5))
const names = (count: number) => Array.from({ length: count }, (_, i) => `item ${i}`)

test('reads the pages that are looked at, each once, and keeps their places', async () => {
  const { asked, store } = library(() => names(10_000))
  store.getState().need(0, 20)
  store.getState().need(5_050, 5_120)
  store.getState().need(0, 20)
  expect(asked.map(call => call.input.offset)).toEqual([0, 5_000, 5_100])
  for (const call of asked) call.answer()
  await settled()
  const { items, total } = store.getState()
  expect(total).toBe(10_000)
  expect(items.length).toBe(10_000)
  expect(items[5_050]?.name).toBe('item 5050')
  expect(items[5_199]?.name).toBe('item 5199')
  expect(items[300]).toBe(undefined)
})

test('an answer to an older search never replaces a newer one', async () => {
  const { asked, store } = library(() => names(30))
  store.getState().setFilter({ query: 'item 1' })
  store.getState().setFilter({ query: 'item 29' })
  const [first, second, third] = asked
  third?.answer()
  await settled()
  second?.answer()
  first?.answer()
  await settled()
  expect(store.getState().items.map(item => item?.name)).toEqual(['item 29'])
  expect(store.getState().total).toBe(1)
})

test('how many there are is not how many a search finds', async () => {
  const { asked, store } = library(() => names(30))
  asked[0]?.answer()
  await settled()
  store.getState().setFilter({ query: 'item 29' })
  asked[1]?.answer()
  await settled()
  expect(store.getState().all).toBe(30)
  expect(store.getState().total).toBe(1)
})

test('reads again what is in sight when the library changed', async () => {
  let all = names(3)
  const { asked, store, emit } = library(() => all)
  asked[0]?.answer()
  await settled()
  all = names(2)
  emit('library.changed', { packetIds: [] })
  await expect.poll(() => asked.length).toBe(2)
  // The old items stay on screen until the new ones are there.
  expect(store.getState().items.length).toBe(3)
  asked[1]?.answer()
  await settled()
  expect(store.getState().items.length).toBe(2)
})
