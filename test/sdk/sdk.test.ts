/** The SDK in this process and over HTTP: the same calls, the same answers, the engine's own counts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AIMessageChunk,
  ChatMessage,
  HumanMessage,
  isAIMessage,
  isToolMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { createReactAgent } from '@langchain/langgraph/prebuilt'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { AGENT_LOOP, deltaText, SDK_LOOP } from '#engine/savings/loopTexts.ts'
import {
  AgentLoop,
  connect,
  isStatePackError,
  openEngine,
  StatefulModel,
  StatePackLLM,
} from '../../packages/sdk/src/index.ts'
import { StatePackChat, StatePackCompletion } from '../../packages/sdk/src/langchain.ts'
import type { StatePack } from '../../packages/sdk/src/statePack.ts'
import { startTestRegistry, type TestRegistry } from '../engine/registry/testRegistry.ts'
import { writeGpt2Tokenizer } from '../engine/savings/gpt2/openGpt2Tokenizer.ts'
import { bundledText, questionDelta } from '../engine/testEngine.ts'
import { startTestApi, type TestApi } from '../hosts/api/startTestApi.ts'
import { writeGeneratedCheckpoint } from '../model/generatedCheckpoint.ts'

const model = 'starter-transformer'
let folder = ''
let text = ''
let question = ''
let expected = ''
let api: TestApi
let registry: TestRegistry
const places: Record<'here' | 'remote', StatePack | null> = { here: null, remote: null }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-sdk-'))
  vi.stubEnv('STATEPACK_HOME', folder)
  await writeGeneratedCheckpoint(join(folder, 'given', 'tiny-gpt2'), {
    ...{
      model_type: 'gpt2',
      activation_function: 'gelu_new',
      layer_norm_epsilon: 1e-5,
      n_ctx: 1024,
      n_positions: 1024,
    },
    ...{ n_embd: 16, n_head: 2, n_layer: 1, vocab_size: 50257 },
  })
  await writeGpt2Tokenizer(join(folder, 'given', 'tiny-gpt2'))
  const bundled = await bundledText('contract')
  text = bundled.text
  ;[[question = '', expected = ''] = []] = [bundled.questions[0] as [string, string]]
  places.here = await openEngine({ models: [join(folder, 'given')], device: 'cpu', threads: 2 })
  api = await startTestApi({}, { modelFolders: [join(folder, 'given')] })
  registry = await startTestRegistry()
  places.remote = connect({ address: `${api.api.address}/`, token: api.api.token })
})
afterAll(async () => {
  await places.here?.close()
  await api.close()
  await registry.close()
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

describe.each(['here', 'remote'] as const)('states %s', place => {
  const server = () => {
    const found = places[place]
    if (found === null) throw new Error('not opened')
    return found
  }

  it('are made once, asked, grown and folded, and never change', async () => {
    const made = await server().createState({ baseText: text, model, name: 'the-contract', keywords: ['rent'] })
    expect(made).toMatchObject({ cacheHit: false, model: expect.stringContaining('tarter'), dtype: 'float32' })
    expect(made.tokensProcessed).toBe(made.tokens)
    expect(made.stateHash).toMatch(/^sha256:[0-9a-f]{64}$/)
    const again = await server().createState({ baseText: text, model })
    expect(again).toMatchObject({ stateHash: made.stateHash, cacheHit: true, tokensProcessed: 0 })

    const pieces: string[] = []
    const asked = { stateHash: made.stateHash, deltaText: questionDelta(question), maxNewTokens: 24 }
    const answer = await server().infer(asked)
    const streamed = await server().infer(asked, { onPiece: piece => pieces.push(piece) })
    expect(pieces.join('')).toBe(answer.output)
    expect(streamed.newStateHash).toBe(answer.newStateHash)
    expect(answer.output).toContain(expected.replace(/\.$/, ''))
    const { tail, delta, generated, processed } = answer.tokens
    expect(processed).toBe(tail + delta + generated)
    expect(answer.receipt.tokens?.processed).toBe(processed)

    const merged = await server().merge({ stateHash: 'the-contract', deltaText: 'Pets are welcome. ' })
    // A known beginning may spare some of what is new.
    expect(merged.tokensProcessed).toBeGreaterThan(0)
    expect(merged.tokensProcessed).toBeLessThanOrEqual(merged.tokens - made.tokens)
    const folded = await server().compact({ stateHash: merged.newStateHash })
    expect(folded).toMatchObject({ newStateHash: merged.newStateHash, tokens: merged.tokens })
    expect(await server().state(made.stateHash)).toMatchObject({ names: ['the-contract'], tokens: made.tokens })
    await server().saveState({ stateHash: made.stateHash, name: 'lease', keywords: ['rent', 'pets'] })
    expect((await server().state('lease')).names.toSorted()).toEqual(['lease', 'the-contract'])
    const { states, total } = await server().states({ query: 'lease', limit: 10 })
    expect(total).toBe(1)
    expect(states[0]).toMatchObject({ name: 'lease', stateHash: made.stateHash, keywords: ['pets', 'rent'] })
  })

  it('refuse with codes, and stop when they are told', async () => {
    const refused = await server()
      .infer({ stateHash: 'ab'.repeat(32), deltaText: 'Who?' })
      .catch(error => error)
    expect(isStatePackError(refused) && refused.code).toBe('E_NOT_FOUND')
    await expect(server().createState({ baseText: 'x', model: 'gpt-5' })).rejects.toMatchObject({
      code: 'E_UNKNOWN_MODEL',
    })
    await expect(server().request('/infer', { nothing: 1 })).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    await expect(server().request('/nowhere')).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
    const stop = new AbortController()
    const long = { stateHash: 'lease', deltaText: 'Go on.', maxNewTokens: 400, sampling: { temperature: 5, seed: 1 } }
    const stopped = server().infer(long, { signal: stop.signal, onPiece: () => stop.abort() })
    await expect(stopped).rejects.toMatchObject({ code: 'E_CANCELLED' })
    expect(await server().request('/health')).toMatchObject({ status: 'ok' })
  })

  it('StatePackLLM reads its base once, and folds as it is told', async () => {
    const llm = await StatePackLLM.fromPretrained(model, { server: server(), mergeEvery: 3 })
    expect(() => llm.stats()).toThrow(/setBase/)
    const base = await llm.setBase(`${text} `)
    let processed = base.tokensProcessed
    for (let call = 0; call < 4; call++) {
      const answer = await llm.call(`Note ${call}: rent was paid. `, { maxNewTokens: 2 })
      processed += answer.tokens.processed
      expect(answer.tokens.processed).toBeLessThan(40)
    }
    const stats = llm.stats()
    const { tokens } = await server().state(llm.stateHash)
    expect(stats).toMatchObject({ steps: 4, folds: 1 })
    // Folding reads the chain again in one piece: it counts.
    expect(stats.processed).toBeGreaterThan(processed)
    expect(stats.processed).toBeLessThan(processed + tokens)
    expect(stats.saved).toBe(stats.naive - stats.processed)
    await llm.close()
    expect(await server().request('/health')).toMatchObject({ status: 'ok' })
  })

  it('StatefulModel builds, loads, updates, combines and resets', async () => {
    const given = { model: 'starter-mamba', server: server() }
    const stateful = await StatefulModel.fromPretrained(given)
    await expect(stateful.generate('Who?')).rejects.toMatchObject({ code: 'E_USAGE' })
    const { text: prompt } = await bundledText('card-contract')
    const deltaText = questionDelta(question)
    const first = await stateful.buildState({ name: 'm-contract', prompt, description: 'A lease.', keywords: ['law'] })
    expect(stateful.currentState).toBeNull()
    const second = await stateful.buildState({ name: 'm-other', prompt: 'The lease runs for ten years. ' })
    await stateful.loadState('m-contract')
    const { output } = await stateful.generate(deltaText, { maxNewTokens: 8 })
    const direct = await server().infer({ stateHash: first.stateHash, deltaText, maxNewTokens: 8 })
    expect(output).toBe(direct.output)
    expect(stateful.currentState).toBe(first.stateHash)
    await stateful.updateState('Pets are welcome. ')
    const saved = await stateful.saveCurrentState({ name: 'm-pets' })
    expect(saved.tokens).toBeGreaterThan(first.tokens)
    const kept = await stateful.generate('Who?', { maxNewTokens: 2, keepOutput: true })
    expect(stateful.currentState).toBe(kept.newStateHash)
    stateful.resetState()
    expect(stateful.currentState).toBeNull()
    const mixed = await stateful.combineStates([first.stateHash, second.stateHash], {
      weights: [0.75, 0.25],
      name: 'm-mix',
    })
    expect(mixed.receipt.op).toBe('remix')
    const names = (await stateful.showAvailableStates({ query: 'm-' })).own.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['m-contract', 'm-other', 'm-pets', 'm-mix']))
    const begun = await StatefulModel.fromPretrained({ ...given, initialState: 'm-other' })
    await begun.loadState('m-contract')
    begun.resetState()
    expect(begun.currentState).toBe(second.stateHash)
    expect(() => begun.combineStates(['m-other'], { weights: [] })).toThrow(/weights/)
  })
})

describe('states of others', () => {
  it('are uploaded, offered by a catalogue, and taken in as what nobody trusts yet', async () => {
    const { here, remote } = places
    if (here === null || remote === null) throw new Error('not opened')
    const to = `${registry.host}/ada/lease`
    const catalogue = { place: `${registry.host}/ada/catalogue`, name: 'ada/lease' }
    const ada = await StatefulModel.fromPretrained({ model, server: remote })
    const { stateHash } = await ada.buildState({ name: 'to-give', prompt: 'The moorings are let for ten years. ' })
    const uploaded = await ada.uploadState(stateHash, { to: `${to}:v1`, licence: 'CC0-1.0', catalogue })
    expect(uploaded).toMatchObject({ reference: `${to}:v1@${uploaded.packetId}`, receipt: { op: 'publish' } })
    expect(await here.tags(to)).toEqual(['v1'])

    await expect(here.offers({ place: catalogue.place })).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
    expect(await here.addCatalogue(catalogue.place)).toMatchObject({ place: catalogue.place })
    const bob = await StatefulModel.fromPretrained({ model, server: here })
    const { own, offers, unreachable } = await bob.showAvailableStates({ place: catalogue.place, query: 'lease' })
    expect(own.map(({ name }) => name)).not.toContain('to-give')
    expect(unreachable).toEqual([])
    const [offer] = offers
    expect(offer).toMatchObject({ name: 'ada/lease', licence: 'CC0-1.0', modelInstalled: true, inLibrary: false })
    if (offer === undefined) return
    const taken = await here.downloadState(offer)
    expect(taken).toMatchObject({ stateHash, packetId: uploaded.packetId, trust: 'restricted', cacheHit: false })
    await expect(bob.loadState(taken.stateHash).then(() => bob.generate('Who?'))).rejects.toMatchObject({
      code: 'E_RESTRICTED',
    })
    await expect(here.uploadState({ stateHash, to })).rejects.toMatchObject({ code: 'E_RESTRICTED' })
    const after = await here.offers({ place: catalogue.place })
    expect(after.offers).toMatchObject([{ inLibrary: true, isUpdate: false }])
    const another = { from: `${to}:v1`, packetId: `sha256:${'ab'.repeat(32)}` }
    await expect(here.downloadState(another)).rejects.toMatchObject({ code: 'E_CONFLICT' })
  })

  it('are shown where one catalogue does not answer, and not where none does', async () => {
    const { here } = places
    if (here === null) throw new Error('not opened')
    const place = `${registry.host}/ada/catalogue`
    expect((await here.offers()).offers.map(offer => offer.place).sort()).toEqual(
      [place, ...Array.from({ length: 4 }, () => 'shipped')].sort(),
    )
    registry.intercept = (_, response) => {
      response.writeHead(403).end()
      return true
    }
    const { offers, unreachable } = await here.offers()
    expect(new Set(offers.map(offer => offer.place))).toEqual(new Set(['shipped']))
    expect(unreachable).toMatchObject([{ place, code: 'E_FORBIDDEN' }])
    await expect(here.offers({ place })).rejects.toMatchObject({ code: 'E_FORBIDDEN' })
  })
})

describe('AgentLoop', () => {
  it('reads in 40 steps what State Pack’s loop does, with GPT-2’s tokenizer: 878 tokens, not 18,780', async () => {
    const { here: server } = places
    if (server === null) throw new Error('not opened')
    const deltas = Array.from({ length: 40 }, (_, i) => deltaText(AGENT_LOOP, i + 1))
    const loop = new AgentLoop({ server, model: 'tiny-gpt2', seam: 'concat' })
    const { stats, steps } = await loop.run(AGENT_LOOP.base, deltas)
    expect(stats.processed).toBe(878)
    // Each state holds its last line end back: it may become part of a longer token.
    expect(stats.naive).toBe(18_780 - 40)
    expect(steps.length).toBe(40)
  })

  it('reads exact seams as the whole text, and answers', async () => {
    const { here: server } = places
    if (server === null) throw new Error('not opened')
    const deltas = Array.from({ length: 6 }, (_, i) => deltaText(SDK_LOOP, i + 1))
    const { count } = await api.client.call('packets.count', {
      model: 'tiny-gpt2',
      text: SDK_LOOP.base + deltas.join(''),
    })
    const loop = new AgentLoop({ server, model: 'tiny-gpt2' })
    const { stats, steps } = await loop.run(SDK_LOOP.base, deltas)
    // But for the last letters, which may become part of a longer token.
    for (const read of [steps.at(-1)?.naive ?? 0, stats.processed]) {
      expect(read).toBeLessThanOrEqual(count)
      expect(read).toBeGreaterThan(count - 4)
    }
    const answered = await loop.run(SDK_LOOP.base, deltas.slice(0, 3), { maxNewTokens: 2 })
    for (const [i, { processed, naive, output }] of answered.steps.entries()) {
      expect(processed).toBeLessThan(30)
      expect(naive).toBeGreaterThan(35 + 21 * (i + 1))
      expect(output).not.toBe('')
    }
  })
})

describe.each(['here', 'remote'] as const)('LangChain’s models %s', place => {
  const fields = () => {
    const server = places[place]
    if (server === null) throw new Error('not opened')
    return { server, model, maxTokens: 8 }
  }

  it('chat, stream the same answer, and say what was spared', async () => {
    const chat = new StatePackChat(fields())
    const messages = [new SystemMessage(text), new HumanMessage(question)]
    const answer = await chat.invoke(messages)
    let streamed = ''
    let spared = 0
    for await (const chunk of await chat.stream(messages)) {
      streamed += chunk.content
      spared += chunk.usage_metadata?.input_token_details?.cache_read ?? 0
    }
    expect(streamed).toBe(answer.content)
    expect(spared).toBeGreaterThan(100)
    expect(answer.response_metadata.state).toMatch(/^sha256:/)
    const state = String(answer.response_metadata.state)
    const next = await new StatePackChat({ ...fields(), state }).invoke([new HumanMessage('And when?')])
    expect(next.usage_metadata?.input_token_details?.cache_read).toBeGreaterThan(100)
    const given = new ToolMessage({ content: 'x', tool_call_id: 'y' })
    await expect(chat.invoke([new HumanMessage('Hi'), given])).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    const other = chat.invoke([new ChatMessage('Hi', 'somebody')])
    await expect(other).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' })
  })

  it('call tools: an agent of LangGraph runs them and goes on, streamed too', async () => {
    const asked: object[] = []
    const weather = tool(
      given => {
        asked.push(given)
        return 'Sunny.'
      },
      {
        name: 'get_weather',
        description: 'The weather of a city.',
        schema: z.object({ city: z.enum(['Rome', 'Oslo']) }),
      },
    )
    const chat = new StatePackChat({ ...fields(), maxTokens: 100 })
    const agent = createReactAgent({
      // Once it knows, it is to answer.
      llm: ({ messages }) =>
        chat.bindTools([weather], { tool_choice: messages.some(isToolMessage) ? 'none' : 'get_weather' }),
      tools: [weather],
    })
    const { messages } = await agent.invoke({
      messages: [new SystemMessage(text), new HumanMessage('How is it in Rome?')],
    })
    expect(messages.map(({ type }) => type)).toEqual(['system', 'human', 'ai', 'tool', 'ai'])
    expect(asked).toEqual([{ city: expect.stringMatching(/^(Rome|Oslo)$/) }])
    expect(messages[3]?.content).toBe('Sunny.')
    const last = messages[4]
    expect(
      last !== undefined && isAIMessage(last) && last.usage_metadata?.input_token_details?.cache_read,
    ).toBeGreaterThan(400)

    const called = chat.bindTools([weather], { tool_choice: 'any' })
    const question = [new HumanMessage('How is it in Oslo?')]
    const whole = await called.invoke(question)
    let streamed: AIMessageChunk | undefined
    for await (const chunk of await called.stream(question)) streamed = streamed?.concat(chunk) ?? chunk
    const calls = ({ tool_calls = [] }: AIMessageChunk) => tool_calls.map(({ name, args }) => ({ name, args }))
    expect(calls(whole)).toEqual([{ name: 'get_weather', args: { city: expect.any(String) } }])
    expect(streamed && calls(streamed)).toEqual(calls(whole))
    const cut = await new StatePackChat({ ...fields(), maxTokens: 40 })
      .bindTools([weather], { tool_choice: 'any' })
      .invoke(question)
    expect([cut.tool_calls, cut.response_metadata.finish_reason]).toEqual([[], 'length'])
  })

  it('go on with a text, streamed too, and stop when nobody reads', async () => {
    const llm = new StatePackCompletion(fields())
    const prompt = 'The lease runs for'
    const { generations } = await llm.generate([prompt])
    const [[whole] = []] = generations
    expect(whole?.generationInfo?.usage.completion_tokens).toBeGreaterThan(0)
    let streamed = ''
    for await (const piece of await llm.stream(prompt)) streamed += piece
    expect(streamed).toBe(whole?.text)
    for await (const _ of await new StatePackCompletion({ ...fields(), maxTokens: 400, temperature: 2 }).stream(prompt))
      break
    await expect.poll(() => fields().server.request('/health')).toMatchObject({ requests_running: 0 })
  })
})

describe('both ends', () => {
  it('make the same states and give the same answers', async () => {
    const answers = []
    for (const server of [places.here, places.remote]) {
      if (server === null) throw new Error('not opened')
      const { stateHash } = await server.createState({ baseText: 'Rent is due on the first. ', model })
      const { newStateHash, output, tokens } = await server.infer({
        stateHash,
        deltaText: 'Who pays?',
        maxNewTokens: 8,
      })
      answers.push({ stateHash, newStateHash, output, tokens })
    }
    expect(answers[0]).toEqual(answers[1])
  })

  it('say when nobody answers', async () => {
    const nobody = connect({ address: 'http://127.0.0.1:9', token: 'x'.repeat(16) })
    await expect(nobody.state('lease')).rejects.toMatchObject({ code: 'E_NETWORK' })
    const stranger = connect({ address: api.api.address, token: 'x'.repeat(16) })
    await expect(stranger.state('lease')).rejects.toMatchObject({ code: 'E_UNAUTHORIZED' })
  })
})
