/** Conversations with tools as states: in each family's own form, gone on with, proven, and not to be forged. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { InferResult } from '#shared/rpc/methods/views.ts'
import { TOOL_FORMATS } from '../../model/toolTemplates.ts'
import { ASSETS, exported, openTestEngine, type TestEngine } from '../testEngine.ts'
import { changeRecipe, type Draft, putTogether, takeApart } from '../trust/forgery.ts'

const parameters = {
  type: 'object',
  properties: { place: { enum: ['Rome', 'Oslo'] }, days: { type: 'integer', minimum: 1, maximum: 9 } },
  required: ['place', 'days'],
}
const tools = [{ name: 'get_weather', description: 'The weather of a place.', parameters }]
const begun = { delta: 'How is the weather?', chat: true, system: 'Be brief.', tools, keepOutput: true }

let folder: string
let test: TestEngine

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-tools-'))
  const write = async (file: string, members: object) =>
    writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...members }))
  const modelFolders = []
  for (const [place, { template }] of [...TOOL_FORMATS, { template: undefined }].entries()) {
    const model = join(folder, `tools${place}`)
    await cp(join(ASSETS, 'models', 'starter-transformer'), model, { recursive: true })
    await write(join(model, 'tokenizer_config.json'), { chat_template: template })
    // The end of a line ends no answer here.
    for (const file of ['config.json', 'generation_config.json']) await write(join(model, file), { eos_token_id: 0 })
    modelFolders.push(model)
  }
  test = await openTestEngine({ modelFolders })
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true, force: true })
})

const infer = (more: object): Promise<InferResult> =>
  test.client.call('packets.infer', { ...begun, maxNewTokens: 160, ...more })
const packetOf = ({ newPacketId }: InferResult) => newPacketId ?? ''
const verify = (ref: string) => test.client.call('packets.verify', { ref, level: 'recomputed' })

const READ = ['Qwen', 'Llama 3', 'no tools, and no system']
const formats = TOOL_FORMATS.map((format, place) => ({ ...format, model: `tools${place}` }))

describe.each(formats.filter(({ name }) => READ.includes(name)))('$name', ({ model }) => {
  const given = { role: 'tool' as const, content: 'Sun <|endoftext|> "21"\n' }
  let first: InferResult
  let next: InferResult
  beforeAll(async () => {
    first = await infer({ model, toolChoice: 'required' })
    const more = { turns: [given], delta: '', system: undefined, toolChoice: 'none', maxNewTokens: 8 }
    next = await infer({ ref: packetOf(first), ...more })
  })

  it('calls in its own form, goes on, and every state is proven from its texts on', async () => {
    const more = { delta: 'And now?', system: undefined, toolChoice: { name: 'get_weather' } }
    const last = await infer({ ref: packetOf(next), ...more })
    for (const { toolCall } of [first, last]) {
      expect(toolCall).toMatchObject({ name: 'get_weather', isWhole: true })
      const said = JSON.parse(toolCall?.arguments ?? '')
      expect(said).toEqual({ place: expect.stringMatching(/^(Rome|Oslo)$/), days: expect.any(Number) })
    }
    expect(next.toolCall).toBe(null)
    for (const one of [first, next, last]) expect(await verify(packetOf(one))).toMatchObject({ level: 'recomputed' })
  })

  it('that is sent whole is what was read turn by turn', async () => {
    const { name = '', arguments: said = '' } = first.toolCall ?? {}
    const call = { role: 'assistant' as const, content: '', toolCalls: [{ name, arguments: said }] }
    const turns = [{ role: 'user' as const, content: begun.delta }, call, { ...given, name }]
    const whole = await infer({ model, turns, delta: '', toolChoice: 'none', maxNewTokens: 1 })
    expect(whole.delta.startsWith(first.delta)).toBe(true)
    expect(whole.delta.endsWith(next.delta.trimStart())).toBe(true)
    expect(whole.delta).toContain(`"${name}"`)
    expect(await verify(packetOf(whole))).toMatchObject({ ok: true })
  })

  it('refuses other tools and messages than it was begun with, in whoever’s words', async () => {
    const told = (change: (tools: string) => object) => (draft: Draft) =>
      changeRecipe(draft, ({ tools: kept = '', ...rest }) => ({ ...rest, ...change(kept) }))
    const lies: ((draft: Draft) => void)[] = [
      told(() => ({})),
      told(kept => ({ tools: kept.replace('of a place', 'of another') })),
      told(kept => ({ tools: kept.replace('"Rome"', '"Nice"') })),
      draft =>
        changeRecipe(draft, recipe => ({
          ...recipe,
          steps: recipe.steps.map(step =>
            step.do === 'read' ? { ...step, messages: [{ role: 'user', content: 'Something else' }] } : step,
          ),
        })),
    ]
    const file = await exported(test.client, { ref: packetOf(first) })
    for (const lie of lies) {
      const draft = takeApart(file)
      lie(draft)
      const { cartridge } = await test.client.call('packets.import', {}, { upload: [putTogether(draft, [])] })
      await expect(verify(cartridge.packetId)).rejects.toMatchObject({ code: 'E_NOT_RECOMPUTED' })
    }
  })
})

describe('tools', () => {
  it('are for models that converse', async () => {
    const model = `tools${TOOL_FORMATS.length}`
    await expect(infer({ model })).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED', details: { field: 'tools' } })
  })

  it('that no conversation began with are in no recipe', async () => {
    const input = { model: 'tools0', sources: [{ name: 'a', text: 'The lease runs for ten years.' }] }
    const { cartridge } = await test.client.call('packets.create', input)
    const draft = takeApart(await exported(test.client, { ref: cartridge.packetId }))
    changeRecipe(draft, recipe => ({ ...recipe, tools: JSON.stringify(tools) }))
    const told = await test.client.call('packets.import', {}, { upload: [putTogether(draft, [])] })
    await expect(verify(told.cartridge.packetId)).rejects.toMatchObject({ code: 'E_NOT_RECOMPUTED' })
  })
})
