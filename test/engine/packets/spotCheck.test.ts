import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sentencesToEnd } from '#engine/packets/sentencesToEnd.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

const find = async (packetId: string) => (await test.client.call('library.get', { ref: packetId })).summary.spotChecks

describe('what a cartridge recalls of its text', () => {
  it('is measured against the bare model, and kept with the cartridge', async () => {
    const { text } = await bundledText('card-station')
    const { cartridge } = await test.client.call('packets.create', {
      model: 'starter-transformer',
      sources: [{ text }],
    })
    expect(cartridge.spotChecks).toBeNull()
    const phases = new Set<string>()
    const onProgress = ({ phase }: { phase: string }) => phases.add(phase)
    const found = await test.client.call('packets.spotCheck', { ref: cartridge.packetId }, { onProgress })
    expect(found.recalled).toBeGreaterThanOrEqual(found.checked - 1)
    expect(found.checked).toBeGreaterThanOrEqual(6)
    expect(found.tried).toBeLessThanOrEqual(16)
    expect([...phases]).toEqual(['checking what it recalls'])
    expect(await find(cartridge.packetId)).toEqual({ recalled: found.recalled, checked: found.checked })
  })

  it('is less of a long text with a small recurrent state, and says so', async () => {
    const gates = Array.from({ length: 120 }, (_, i) => `The code of the gate ${i + 1} is ${(7919 * (i + 13)) % 9000}.`)
    const text = `Facts:\n${gates.join('\n')}\n`
    const { cartridge } = await test.client.call('packets.create', { model: 'starter-mamba', sources: [{ text }] })
    const found = await test.client.call('packets.spotCheck', { ref: cartridge.packetId })
    expect(found.checked).toBe(10)
    expect(found.recalled).toBeLessThan(5)
  })

  it('cancelled, it leaves the cartridge as it was', async () => {
    const { text } = await bundledText('card-coffee')
    const { cartridge } = await test.client.call('packets.create', { model: 'starter-mamba', sources: [{ text }] })
    const controller = new AbortController()
    const options = { signal: controller.signal, onProgress: () => controller.abort() }
    await expect(test.client.call('packets.spotCheck', { ref: cartridge.packetId }, options)).rejects.toMatchObject({
      code: 'E_CANCELLED',
    })
    expect(await find(cartridge.packetId)).toBeNull()
  })
})

describe('sentences to end', () => {
  it('are whole sentences without their last word, spread over the text, each once', () => {
    const text = 'Lena Ortiz runs Harbor Coffee. Hi.\nThe rent is 2950. The rent is 2950. Who is the owner (Mira)?'
    expect(sentencesToEnd(text, 5)).toEqual([
      { start: 'Lena Ortiz runs Harbor', end: 'Coffee' },
      { start: 'The rent is', end: '2950' },
    ])
    const many = Array.from({ length: 40 }, (_, i) => `The gate number ${i} is red.`).join(' ')
    expect(sentencesToEnd(many, 4).map(({ start }) => start.match(/\d+/)?.[0])).toEqual(['0', '10', '20', '30'])
    expect(sentencesToEnd('Kurz. Ja.', 4)).toEqual([])
  })
})
