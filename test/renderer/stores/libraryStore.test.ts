import { expect, test } from 'vitest'
import { createLibraryStore } from '../../../renderer/stores/libraryStore.ts'

const failure = new Error('nothing can be done to these')

test('what is done to a range as soon as it was read fails as its own failure, and the range stays chosen', async () => {
  const store = createLibraryStore()
  const choosing = store.getState().choose({ from: 0, to: 0 }, Promise.resolve([]))
  let selectedThen: readonly string[] | null = null
  store.getState().doNext({
    label: 'Ask',
    run: () => {
      selectedThen = store.getState().selected
      throw failure
    },
  })
  await expect(choosing).rejects.toBe(failure)
  expect(selectedThen).toBe(store.getState().selected)
})

test('a range that cannot be read leaves nothing chosen, and says why', async () => {
  const store = createLibraryStore()
  store.getState().select(['a'])
  await expect(store.getState().choose({ from: 0, to: 0 }, Promise.reject(failure))).rejects.toBe(failure)
  expect(store.getState()).toMatchObject({ selected: [], choosing: null })
})

test('of a range that something else was chosen instead of, neither the items nor a failure come', async () => {
  const store = createLibraryStore()
  for (const reading of [Promise.resolve([]), Promise.reject(failure)]) {
    const choosing = store.getState().choose({ from: 0, to: 0 }, reading)
    store.getState().select(['a'])
    await choosing
    expect(store.getState().selected).toEqual(['a'])
  }
})
