import { expect, it } from 'vitest'
import { StatePackError, toErrorValue } from '#shared/domain/error.ts'
import { createClient } from '#shared/rpc/client.ts'
import type { Result } from '#shared/rpc/result.ts'
import { createSourcesStore, isReadable } from '../../../renderer/stores/sourcesStore.ts'

interface Call {
  readonly encoding: string | undefined
  /** With a text in `encoding`, which is a guess unless it was asked for. */
  readonly answer: (text: string, encoding?: string) => void
  readonly refuse: (message: string) => void
}

/** The files of a window, in a browser that holds none, over a transport whose answers a test releases. */
function openPage() {
  const calls: Call[] = []
  const client = createClient({
    call: (_method, input, { signal }) =>
      new Promise<Result<unknown>>(resolve => {
        const refuse = (message: string, code: 'E_NOT_TEXT' | 'E_CANCELLED' = 'E_NOT_TEXT') =>
          resolve({ ok: false, error: toErrorValue(new StatePackError(code, message)) })
        signal?.addEventListener('abort', () => refuse('Cancelled.', 'E_CANCELLED'))
        const { encoding } = input as { encoding?: string }
        calls.push({
          ...{ encoding, refuse },
          answer: (text, found = encoding) =>
            resolve({
              ok: true,
              data: { text, extractor: 'text/1', encoding: found, guessed: encoding === undefined },
            }),
        })
      }),
    subscribe: () => () => undefined,
  })
  const store = createSourcesStore(client)
  const file = () => store.getState().files.at(-1) ?? expect.fail('no file')
  const called = async (number: number) => {
    await expect.poll(() => calls.length).toBeGreaterThanOrEqual(number)
    return calls[number - 1] ?? expect.fail('not called')
  }
  const settled = () => expect.poll(() => [isReadable(file()), file().error]).not.toEqual([false, null])
  store.getState().add([new File([Uint8Array.of(0x4b, 0x6c, 0xed, 0xe8)], 'klic.txt')])
  return { calls, store, file, called, settled }
}

it('a text stays as it was where a choice of its encoding fails, and why is said', async () => {
  const { store, file, called, settled } = openPage()
  ;(await called(1)).answer('Klíè', 'windows-1252')
  await settled()
  expect(file()).toMatchObject({ text: 'Klíè', encoding: 'windows-1252', guessed: true, error: null })
  store.getState().readAs(file().id, 'shift_jis')
  expect(isReadable(file())).toBe(false)
  ;(await called(2)).refuse('klic.txt is not text in shift_jis.')
  await settled()
  expect(file()).toMatchObject({ text: 'Klíè', encoding: 'windows-1252', guessed: true, chosen: 'shift_jis' })
  expect(file().error).toMatchObject({ message: 'klic.txt is not text in shift_jis.' })
  expect(file().readings.length).toBeGreaterThan(1)
  expect(isReadable(file())).toBe(true)

  store.getState().readAs(file().id, 'windows-1250')
  ;(await called(3)).answer('Klíč')
  await settled()
  expect(file()).toMatchObject({ text: 'Klíč', encoding: 'windows-1250', guessed: false, error: null })
})

it('of two choices the later one counts, however late the first is answered', async () => {
  const { store, file, calls, called, settled } = openPage()
  ;(await called(1)).refuse('Its encoding cannot be told.')
  await settled()
  store.getState().readAs(file().id, 'windows-1251')
  const first = await called(2)
  store.getState().readAs(file().id, 'windows-1250')
  first.answer('Klни')
  ;(await called(3)).answer('Klíč')
  await settled()
  expect(calls.map(({ encoding }) => encoding)).toEqual([undefined, 'windows-1251', 'windows-1250'])
  expect(file()).toMatchObject({ text: 'Klíč', encoding: 'windows-1250', chosen: 'windows-1250', error: null })
})
