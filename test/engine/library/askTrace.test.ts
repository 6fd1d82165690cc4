import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

it('records what the model expected when asked to, and says so with the step and the receipt', async () => {
  const { title, text } = await bundledText('card-coffee')
  const { cartridge } = await test.client.call('packets.create', {
    model: 'starter-transformer',
    sources: [{ name: title, text }],
  })
  const ask = (trace: boolean) =>
    test.client.call('ask.ask', { ref: cartridge.packetId, question: 'What does Anders like?', trace })
  const [plain, traced] = [await ask(false), await ask(true)]
  expect(traced.step?.answer).toBe(plain.step?.answer)
  expect([plain.step?.traced, traced.step?.traced]).toEqual([false, true])
  const id = traced.step?.receiptId ?? ''
  const trace = await test.client.call('receipts.trace', { id })
  expect(trace.read.map(step => step.text).join('')).toContain('What does Anders like?')
  expect(trace.generated.length).toBeGreaterThanOrEqual(traced.step?.outputTokenIds.length ?? 1)
  expect(trace.readBits).toBeGreaterThan(0)
  expect((await test.client.call('receipts.get', { id })).traced).toBe(true)
  const plainId = plain.step?.receiptId ?? ''
  expect((await test.client.call('receipts.get', { id: plainId })).traced).toBe(false)
  await expect(test.client.call('receipts.trace', { id: plainId })).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
  for (const { step } of [plain, traced]) {
    const { turns } = await test.client.call('conversations.get', { id: step.conversationId })
    expect(turns.map(turn => turn.traced)).toEqual([step.traced])
  }
})
