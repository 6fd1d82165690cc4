/** What a reference names: digests first, then names; and what may be a name. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Output } from '#shared/rpc/client.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

const hex = (text: string) => createHash('sha256').update(text).digest('hex')

interface Options {
  readonly model?: string
  readonly source?: string
  readonly name?: string
  readonly systemPrompt?: string
  readonly template?: boolean
  readonly dtype?: 'float16' | 'int8'
}

async function create(text: string, { model = 'starter-transformer', source = 'text', ...options }: Options = {}) {
  return test.client.call('packets.create', { model, sources: [{ name: source, text }], ...options })
}
const resolve = (ref: string, model?: string): Promise<Output<'packets.resolve'>> =>
  test.client.call('packets.resolve', { ref, model })
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    error => error.code as string,
  )

describe('the SHA-256 of a text', () => {
  it('finds its cartridge, in either case, with or without the algorithm, by the file with a byte-order mark too', async () => {
    const text = 'The goat lives in Oslo.\n'
    const { cartridge, receipt } = await create(`\uFEFF${text}`)
    expect(receipt.base_sha256).toBe(hex(text))
    for (const ref of [hex(text), hex(text).toUpperCase(), `sha256:${hex(text)}`, hex(`\uFEFF${text}`)]) {
      expect(await resolve(ref)).toMatchObject({
        packetId: cartridge.packetId,
        texts: [{ sha256: hex(text), bytes: 24 }],
      })
    }
  })

  it('is of system prompt and text, and finds each, whatever the template', async () => {
    const text = 'The cow lives in Rome.\n'
    const made = [
      await create(text, { systemPrompt: 'Be brief.' }),
      await create(text, { systemPrompt: 'Be kind.', template: true }),
    ]
    for (const [index, { cartridge, receipt }] of made.entries()) {
      const whole = `${['Be brief.', 'Be kind.'][index]}\n\n${text}`
      expect(receipt.base_sha256).toBe(hex(whole))
      const found = await resolve(receipt.base_sha256 ?? '')
      expect(found).toMatchObject({
        packetId: cartridge.packetId,
        texts: [{ sha256: hex(whole), bytes: whole.length }],
      })
    }
    // The text alone is in both.
    expect(await codeOf(resolve(hex(text)))).toBe('E_AMBIGUOUS')
    const plain = await create(text)
    expect((await resolve(hex(text))).packetId).toBe(plain.cartridge.packetId)
  })

  it('of two models’ cartridges is decided by the model, and of one context in two dtypes by neither', async () => {
    const text = 'The dog lives in Bern.\n'
    const [kv, ssm] = [await create(text), await create(text, { model: 'starter-mamba' })]
    const half = await create(text, { dtype: 'int8' })
    expect(half.cartridge.packetId).not.toBe(kv.cartridge.packetId)
    expect(await codeOf(resolve(hex(text)))).toBe('E_AMBIGUOUS')
    expect((await resolve(hex(text), 'starter-transformer')).packetId).toBe(kv.cartridge.packetId)
    expect((await resolve(hex(text), 'starter-mamba')).packetId).toBe(ssm.cartridge.packetId)
    expect((await resolve(kv.cartridge.contextId)).packetId).toBe(kv.cartridge.packetId)
    expect(await codeOf(resolve(kv.cartridge.packetId, 'starter-mamba'))).toBe('E_COMPONENT_MISMATCH')
    expect(await codeOf(resolve(hex(text), 'nobody'))).toBe('E_UNKNOWN_MODEL')
  })

  it('names what was merged into it neither before nor after, and is kept along the chain', async () => {
    const text = 'The cat lives in Kiel.\n'
    const { cartridge } = await create(text)
    const delta = 'It likes fish.\n'
    const { packetId: ref } = cartridge
    const merged = await test.client.call('packets.merge', { ref, delta })
    expect((await resolve(hex(text))).packetId).toBe(ref)
    const { packetId } = merged.cartridge
    const whole = `${text}${delta}`
    expect((await resolve(packetId)).texts).toEqual([text, whole].map(of => ({ sha256: hex(of), bytes: of.length })))
    expect((await resolve(hex(delta))).packetId).toBe(packetId)
    // The whole text makes this very state, so its hash finds it, too.
    expect((await resolve(hex(whole))).packetId).toBe(packetId)
    expect((await create(whole)).cartridge.packetId).toBe(packetId)
  })
})

describe('names', () => {
  it('never take a reference from a digest', async () => {
    const text = 'The hen lives in Linz.\n'
    const { cartridge } = await create(text, { name: 'hen' })
    for (const digest of [cartridge.packetId.slice(7), cartridge.packetId, cartridge.contextId, hex(text)]) {
      const other = await create(`A stranger’s text about ${digest}.\n`, { source: digest })
      expect(other.cartridge.name).toMatch(/^Untitled [0-9a-f]{8}( \(\d\))?$/)
      expect((await resolve(digest)).packetId).toBe(cartridge.packetId)
      expect(await codeOf(create('More.\n', { name: digest }))).toBe('E_BAD_INPUT')
      const update = test.client.call('library.update', { packetId: cartridge.packetId, name: digest })
      expect(await codeOf(update)).toBe('E_BAD_INPUT')
    }
  })

  it('are composed once: two ways to write é are one', async () => {
    const [composed, decomposed] = ['Caf\u00e9.txt', 'Cafe\u0301.txt']
    const { cartridge } = await create('The café is in Graz.\n', { source: decomposed })
    expect(cartridge.name).toBe(composed)
    for (const ref of [composed, decomposed]) expect((await resolve(ref)).packetId).toBe(cartridge.packetId)
    expect(await codeOf(create('Another.\n', { name: decomposed }))).toBe('E_CONFLICT')
  })

  it('stay when the text is read again under another', async () => {
    const text = 'The fox lives in Ulm.\n'
    const first = await create(text, { name: 'first' })
    const again = await create(text, { name: 'second' })
    expect(again).toMatchObject({ cacheHit: true, cartridge: { packetId: first.cartridge.packetId, name: 'first' } })
    for (const ref of ['first', 'second']) {
      expect(await resolve(ref)).toMatchObject({ packetId: first.cartridge.packetId, names: ['first', 'second'] })
    }
    await test.client.call('library.update', { packetId: first.cartridge.packetId, otherNames: ['third'] })
    const { names } = await test.client.call('library.get', { ref: 'third' })
    expect(names).toEqual(['first', 'third'])
    expect(await codeOf(resolve('second'))).toBe('E_NOT_FOUND')
  })

  it('are not blank, not endless, and one line', async () => {
    for (const name of ['', ' ', '\t\n', 'a\nb', 'a\u2028b', 'a\u202Egdirtrac.b', 'x'.repeat(201)]) {
      expect(await codeOf(create('Other.\n', { name })), JSON.stringify(name)).toBe('E_BAD_INPUT')
    }
    const long = await create('Long.\n', { source: `${'x'.repeat(290)}\u{1F410}` })
    expect(long.cartridge.name.length).toBeLessThanOrEqual(200)
  })
})
