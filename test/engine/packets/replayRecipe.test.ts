import { afterAll, beforeAll, expect, it } from 'vitest'
import { replayRecipe } from '#engine/packets/replayRecipe.ts'
import { sha256 } from '#engine/sha256.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

type Input = Parameters<typeof replayRecipe>[1]
type Step = Input['recipe']['steps'][number]

/** Follows steps that append texts of one word; `tokens`: how many the cartridge says it has. */
async function followed(steps: readonly Step[], tokens: number, name = 'starter-transformer') {
  const model = await test.engine.state.models.open(name)
  const reads = steps.filter(step => step.do === 'read')
  return replayRecipe({ model }, {
    recipe: { version: 1, systemPrompt: null, template: false, steps: [...steps] },
    sources: reads.map(() => ({ name: 'turn', text: ' word', bytes: 5, layer })),
    origin: { kind: 'tokens' },
    tokens: new Int32Array(tokens),
  } as unknown as Input)
}
const layer = { mediaType: 'text/plain', digest: sha256(' word'), size: 5 }
const turn = { do: 'read', source: layer.digest, join: 'append', said: [0, 5], name: 'turn' } as unknown as Step
const generated = (tokens: number): Step => ({ do: 'generated', tokens })
const refused = (why: RegExp) => ({ code: 'E_NOT_RECOMPUTED', message: expect.stringMatching(why) })

it('refuses more tokens than the model reads', async () => {
  const { contextLength } = await test.engine.state.models.open('starter-transformer')
  const most = contextLength ?? 0
  expect((await followed([generated(most)], most)).state.tokens).toHaveLength(most)
  await expect(followed([generated(most + 1)], most + 1)).rejects.toMatchObject(refused(/more tokens than the/))
})

it('refuses more generated tokens than there are', async () => {
  await expect(followed([generated(9)], 8)).rejects.toMatchObject(refused(/more tokens than it has/))
})

it.each([[{ do: 'flush' }], [{ do: 'generated', tokens: 0 }]] as Step[][])(
  'refuses a step that does nothing: %j',
  async step => {
    await expect(followed([generated(8), step], 8)).rejects.toMatchObject(refused(/does nothing/))
  },
)

it('refuses more turns than any conversation has', async () => {
  const turns = (count: number) => followed(Array(count).fill(turn), 20_000, 'starter-mamba')
  expect((await turns(1024)).turns).toHaveLength(1024)
  await expect(turns(1025)).rejects.toMatchObject(refused(/more than 1024 turns/))
})

it('holds the tokens of all turns once', async () => {
  const { state, turns } = await followed([generated(2), turn, generated(2), turn, generated(2)], 100)
  expect(turns).toHaveLength(2)
  for (const { before } of turns) {
    expect(before.tokens.buffer).toBe(state.tokens.buffer)
    expect(before.tokens).toEqual(state.tokens.slice(0, before.tokens.length))
  }
})
