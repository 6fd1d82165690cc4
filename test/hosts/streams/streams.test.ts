/** What streams promise, asked of every transport. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StatePackError } from '#shared/domain/error.ts'
import { type Client, createClient } from '#shared/rpc/client.ts'
import { indexOf, part } from './streamHandlers.ts'
import { type OpenTransport, transports } from './transports.ts'

const MIB = 2 ** 20
const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const until = async (what: () => boolean) => {
  while (!what()) await sleep(5)
}

describe.each(Object.entries(transports))('streams %s', (name, open) => {
  let test: OpenTransport
  let client: Client
  beforeAll(async () => {
    test = await open()
    client = createClient(test.transport)
  })
  afterAll(() => test.close())

  async function read(ref: string, onItem: (index: number, bytes: Uint8Array) => unknown = () => {}) {
    const seen: number[] = []
    const result = await client.call(
      'packets.export',
      { ref },
      {
        onItem: bytes => {
          seen.push(indexOf(bytes))
          return onItem(indexOf(bytes), bytes)
        },
      },
    )
    return { seen, result }
  }
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)
  async function* parts(count: number, size: number, each: (index: number) => void = () => {}) {
    for (let index = 0; index < count; index++) {
      each(index)
      yield part(index, size)
    }
  }
  const noted = (what: string) => test.notes().filter(line => line === what).length

  it('bring 10,000 items in order, and the result after the last', async () => {
    let text = ''
    await client.call('ask.ask', { question: '10000' }, { onItem: item => (text += item.text) })
    expect(text).toBe(
      upTo(10_000)
        .map(index => `${index} `)
        .join(''),
    )
  })

  it('bring large pieces whole', async () => {
    const { seen, result } = await read(`6 ${5 * MIB}`, (index, bytes) => {
      expect(Buffer.compare(bytes, part(index, 5 * MIB))).toBe(0)
    })
    expect(seen).toEqual(upTo(6))
    expect(result.bytes).toBe(30 * MIB)
  })

  it('wait for a slow reader and lose nothing', async () => {
    const before = test.notes().length
    let mostAhead = 0
    const { seen } = await read(`64 ${MIB / 2}`, async index => {
      await sleep(4)
      const sent =
        test
          .notes()
          .slice(before)
          .filter(line => line.startsWith('sent')).length * 8
      mostAhead = Math.max(mostAhead, sent - index)
    })
    expect(seen).toEqual(upTo(64))
    // What is on the way fits into the windows of the transports it passes, and into the socket between them.
    expect(mostAhead).toBeLessThan(40)
  })

  it('tell a failure in mid-stream with its code, after what came before it', async () => {
    const seen: number[] = []
    const failing = client.call(
      'packets.export',
      { ref: '20 1000 fail' },
      {
        onItem: async bytes => {
          await sleep(1)
          seen.push(indexOf(bytes))
        },
      },
    )
    await expect(failing).rejects.toMatchObject({ code: 'E_CORRUPT', details: { at: 20_000 } })
    expect(seen).toEqual(upTo(20))
  })

  it('end when their reader cancels, on both sides', async () => {
    const cancelled = noted('cancelled')
    const cancel = new AbortController()
    let after = 0
    const running = client.call(
      'packets.export',
      { ref: `100000 ${MIB / 4}` },
      {
        signal: cancel.signal,
        onItem: async bytes => {
          if (cancel.signal.aborted) after++
          if (indexOf(bytes) === 5) cancel.abort()
        },
      },
    )
    await expect(running).rejects.toMatchObject({ code: 'E_CANCELLED' })
    await until(() => noted('cancelled') === cancelled + 1 && test.running() === 0)
    expect(after).toBe(0)
  })

  it('end when their reader never comes back', async () => {
    const cancel = new AbortController()
    const running = client.call(
      'packets.export',
      { ref: `100000 ${MIB / 4}` },
      { signal: cancel.signal, onItem: () => new Promise(() => {}) },
    )
    setTimeout(() => cancel.abort(), 50)
    await expect(running).rejects.toMatchObject({ code: 'E_CANCELLED' })
    await until(() => test.running() === 0)
  })

  it('end with what their reader throws', async () => {
    const failing = read(`100000 ${MIB / 4}`, index => {
      if (index === 3) throw new StatePackError('E_DISK_FULL', 'No room for more.')
    })
    await expect(failing).rejects.toMatchObject({ code: 'E_DISK_FULL' })
    await until(() => test.running() === 0)
  })

  it('take an upload in order, no faster than it is read', async () => {
    let given = 0
    let mostAhead = 0
    const before = test.notes().length
    const taken = () =>
      test
        .notes()
        .slice(before)
        .filter(line => line.startsWith('took')).length * 8
    const upload = parts(48, MIB / 2, index => {
      given = index
      mostAhead = Math.max(mostAhead, given - taken())
    })
    await expect(client.call('packets.import', { name: 'slow' }, { upload })).rejects.toMatchObject({
      code: 'E_CONFLICT',
      message: `48 items, ${24 * MIB} bytes`,
    })
    expect(mostAhead).toBeLessThan(40)
  })

  it('take any iterable, and one without items', async () => {
    for (const count of [0, 2]) {
      const upload = upTo(count).map(index => part(index, 8))
      await expect(client.call('packets.import', {}, { upload })).rejects.toMatchObject({
        message: `${count} items, ${count * 8} bytes`,
      })
    }
  })

  it('let go of an upload that is refused, cancelled or fails', async () => {
    let letGo = 0
    const cancel = new AbortController()
    async function* endless(last = Number.POSITIVE_INFINITY) {
      try {
        for (let index = 0; ; index++) {
          if (index === last) cancel.abort()
          yield part(index, MIB / 4)
        }
      } finally {
        letGo++
      }
    }
    await expect(client.call('packets.import', { name: 'refuse' }, { upload: endless() })).rejects.toMatchObject({
      code: 'E_BAD_FORMAT',
    })
    await until(() => letGo === 1)
    const { signal } = cancel
    const slow = client.call('packets.import', { name: 'slow' }, { upload: endless(20), signal })
    await expect(slow).rejects.toMatchObject({ code: 'E_CANCELLED' })
    await until(() => letGo === 2 && test.running() === 0)
    async function* broken() {
      yield part(0, 8)
      throw new StatePackError('E_PERMISSION', 'The file cannot be read any more.')
    }
    await expect(client.call('packets.import', {}, { upload: broken() })).rejects.toMatchObject({
      code: 'E_PERMISSION',
    })
    await until(() => test.running() === 0)
  })

  it('refuse an item that breaks the contract, and an upload nobody takes', async () => {
    const upload = ['no bytes'] as unknown as Uint8Array<ArrayBuffer>[]
    await expect(client.call('packets.import', {}, { upload })).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    const given = test.transport.call('ask.ask', { question: '1' }, { upload: [1] })
    expect(await given).toMatchObject({ error: { code: 'E_BAD_INPUT' } })
  })

  it('run many at once without mixing', async () => {
    const all = await Promise.all(upTo(24).map(one => read(`${40 + one} 4096`)))
    for (const [one, { seen }] of all.entries()) expect(seen).toEqual(upTo(40 + one))
  })

  it.skipIf(name === 'in process')('end with a code when the engine is killed in mid-stream', async () => {
    const seen: number[] = []
    const crashing = client.call(
      'packets.export',
      { ref: '20 1000 crash' },
      { onItem: bytes => seen.push(indexOf(bytes)) },
    )
    await expect(crashing).rejects.toMatchObject({ code: 'E_ENGINE_DOWN' })
    expect(seen).toEqual(upTo(seen.length))
    await until(() => test.running() === 0)
    expect((await read('3 8')).seen).toEqual([0, 1, 2])
  })
})
