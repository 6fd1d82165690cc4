import { afterAll, beforeAll, expect, it } from 'vitest'
import type { InferResult } from '#shared/rpc/methods/views.ts'
import { bundledText, openTestEngine, questionDelta, type TestEngine } from '../testEngine.ts'

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

it('shows as saved exactly what the sessions counted, in totals, series, groups and export', async () => {
  const { title, text, questions } = await bundledText('handbook')
  const { cartridge } = await test.client.call('packets.create', {
    model: 'starter-transformer',
    sources: [{ name: title, text }],
  })
  const runs: InferResult[] = []
  for (const [question] of questions.slice(0, 6)) {
    runs.push(await test.client.call('packets.infer', { ref: cartridge.packetId, delta: questionDelta(question) }))
  }
  const sum = (pick: (run: InferResult) => number) => runs.reduce((total, run) => total + pick(run), 0)
  const { totals, byCartridge, byModel } = await test.client.call('savings.summary', {})
  const { points } = await test.client.call('savings.series', { points: 3 })
  const exported = await test.client.call('savings.export', { format: 'json' })
  const { records } = JSON.parse(new TextDecoder().decode(exported.bytes)) as {
    records: { tokens_naive: number; tokens_processed: number; seconds_read: number }[]
  }
  expect(totals.inferences).toBe(runs.length)
  expect(totals.tokensNaive).toBe(sum(run => run.tokens.naive))
  expect(totals.tokensProcessed).toBe(sum(run => run.tokens.processed))
  expect(totals.tokensNaive - totals.tokensProcessed).toBe(sum(run => run.tokens.saved))
  expect(points.at(-1)).toMatchObject({ tokensNaive: totals.tokensNaive, tokensProcessed: totals.tokensProcessed })
  expect(byCartridge.map(group => group.totals)).toEqual([totals])
  expect(byModel.map(group => group.totals)).toEqual([totals])
  expect(records.map(record => record.tokens_processed)).toEqual(runs.map(run => run.tokens.processed))
  // Seconds are those of the recorded samples, which are those of the answers.
  expect(records.map(record => record.seconds_read)).toEqual(runs.map(run => run.seconds.read))
  expect(totals.secondsMeasured).toBeCloseTo(
    sum(({ seconds }) => seconds.restore + seconds.read + seconds.generate),
    6,
  )
  const { usage } = await test.client.call('library.get', { ref: cartridge.packetId })
  expect(usage).toMatchObject({ asks: runs.length, tokensSaved: sum(run => run.tokens.saved) })
})

it('calls a question without a cartridge a miss: nothing was reused', async () => {
  const before = (await test.client.call('savings.summary', {})).totals
  await test.client.call('packets.infer', { model: 'starter-transformer', delta: 'Question: Who?\nAnswer:' })
  const after = (await test.client.call('savings.summary', {})).totals
  expect(after.misses).toBe(before.misses + 1)
  expect(after.hits).toBe(before.hits)
})
