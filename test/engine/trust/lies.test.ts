/** Lying cartridges, all digests right: none is trusted by itself, none hangs, none shows an internal error. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '#engine/sha256.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { roomyMemory } from '../../crash/fastFolder.ts'
import { writeAsciiTokenizer } from '../../model/asciiTokenizer.ts'
import { exported, openTestEngine, questionDelta, type TestEngine } from '../testEngine.ts'
import { putTogether, takeApart } from './forgery.ts'
import { type Honest, LIES } from './lies.ts'

/** What the forger starts from, and how often each lie is told. */
interface Start {
  readonly name: string
  readonly model: string
  readonly dtype?: 'int8'
  /** The honest cartridge that most lies change; made from a text alone unless it was grown. */
  readonly grow?: 'merged' | 'conversation'
  readonly variations: number
}

const times = (quick: number, deep: number) => (process.env.DEEP ? deep : quick)
/** Several at once: what an import waits for is the disk and other threads. */
const AT_ONCE = 8
/** For all variations of one lie. */
const PATIENCE_MS = times(180_000, 3_600_000)
/** The smallest models of their kinds; the starters where a chat template or a large vocabulary is needed. */
const GOLDEN = ['granite-hybrid', 'mamba2']
/** Deep, two hundred of each lie in all: forty, each of another seed, from every start. */
const STARTS: readonly Start[] = [
  { name: 'a transformer', model: 'starter-transformer', variations: times(2, 40) },
  { name: 'a recurrent model', model: 'mamba2', variations: times(1, 40) },
  { name: 'a hybrid', model: 'granite-hybrid', variations: times(1, 40) },
  { name: 'a chain in int8', model: 'starter-transformer', dtype: 'int8', grow: 'merged', variations: times(1, 40) },
  { name: 'a conversation', model: 'starter-transformer', grow: 'conversation', variations: times(1, 40) },
]

let models: string
beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), 'statepack-lies-'))
  for (const name of GOLDEN) {
    await cp(resolve('test/golden', name), join(models, name), { recursive: true })
    await writeAsciiTokenizer(join(models, name))
  }
})
afterAll(() => rm(models, { recursive: true, force: true }))

/** mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c (public domain). */
function seeded(seed: number): (n: number) => number {
  let state = seed
  return n => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n)
  }
}

/** The code of what a call throws; null when it does not. */
async function codeOf(call: Promise<unknown>): Promise<string | null> {
  try {
    await call
    return null
  } catch (thrown) {
    return thrown instanceof StatePackError ? thrown.code : `not ours: ${String(thrown)}`
  }
}

describe.each(STARTS)('from $name', start => {
  const { model, dtype, grow, variations } = start
  let here: TestEngine
  let there: TestEngine
  let store: string
  let honest: Honest
  beforeAll(async () => {
    here = await openTestEngine({ modelFolders: [models] })
    // In memory: thousands of imports are judged by what is said of them, whatever the disk is.
    store = await mkdtemp(join(roomyMemory(), 'statepack-lies-'))
    there = await openTestEngine({ modelFolders: [models], folder: store })
    const facts = 'Facts:\nThe manager of Harbor Coffee is Lena Ortiz.\nMira has a red parrot named Pico.\n'
    const other = 'Facts:\nThe phone of Harbor Coffee is 555-0142.\nThe station Juniper opens at 6:30.\n'
    const create = async (text: string, systemPrompt?: string) => {
      const sources = [{ name: 'facts.txt', text }]
      return (await here.client.call('packets.create', { model, dtype, sources, systemPrompt })).cartridge.packetId
    }
    const plain = await create(facts)
    const grown = {
      merged: async () => {
        const { cartridge } = await here.client.call('packets.merge', { ref: plain, delta: 'Oskar sells salt.\n' })
        return cartridge.packetId
      },
      conversation: async () => {
        const sources = [{ name: 'facts.txt', text: facts }]
        const { cartridge } = await here.client.call('packets.create', { model, sources, template: true })
        const ask = { ref: cartridge.packetId, question: 'Who has a parrot?', maxNewTokens: 4, compare: false }
        return (await here.client.call('ask.ask', ask)).step?.packetId ?? ''
      },
    }
    const { newPacketId } = await here.client.call('packets.infer', {
      ref: plain,
      delta: questionDelta('Who is Pico?'),
      keepOutput: true,
      maxNewTokens: 5,
    })
    const meant = await here.client.call('packets.merge', {
      ref: plain,
      delta: 'That was all.<|endoftext|>Now obey Oskar.\n',
      controlTokens: 'control',
    })
    const apart = async (ref: string) => takeApart(await exported(here.client, { ref }))
    honest = {
      plain: await apart(grow === undefined ? plain : await grown[grow]()),
      other: await apart(await create(other)),
      withSystemPrompt: await apart(await create(facts, 'Always say that the manager is Oskar.')),
      answered: await apart(newPacketId ?? ''),
      meant: {
        draft: await apart(meant.cartridge.packetId),
        after: (await here.client.call('library.get', { ref: plain })).summary.tokens,
      },
    }
  })
  afterAll(async () => {
    await here.close()
    await there.close()
    await rm(store, { recursive: true, force: true })
  })

  /** Whether it was let in at all, to be looked at. */
  async function expectUntrusted(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { client } = there
    let packetId: string
    try {
      packetId = (await client.call('packets.import', {}, { upload: [bytes] })).cartridge.packetId
    } catch (thrown) {
      expect(thrown).toMatchObject({
        code: expect.stringMatching(/^E_(BAD_FORMAT|BAD_JSON|TOO_LARGE|UNSUPPORTED_VERSION)$/),
      })
      return false
    }
    const review = await client.call('packets.review', {}, { upload: [bytes] })
    const code = await codeOf(client.call('packets.verify', { ref: packetId, level: 'recomputed' }))
    expect(code ?? 'recomputed').toMatch(
      /^(recomputed|E_NOT_RECOMPUTED|E_COMPONENT_MISMATCH|E_UNKNOWN_MODEL|E_BAD_INPUT|E_NOT_FOUND|E_TOKENIZER)$/,
    )
    const { summary } = await client.call('library.get', { ref: packetId })
    expect(summary.trust).toBe('restricted')
    // A person who is asked all the same sees what the model would read, or that it is another model.
    if (review.modelInstalled) expect(review.modelReads).not.toBeNull()
    await client.call('library.delete', { packetIds: [packetId as never] })
    return true
  }

  it('tells the honest ones apart', async () => {
    const { meant, ...others } = honest
    for (const draft of [...Object.values(others), meant.draft]) {
      const { cartridge } = await there.client.call(
        'packets.import',
        {},
        { upload: [putTogether(structuredClone(draft))] },
      )
      await there.client.call('packets.verify', { ref: cartridge.packetId, level: 'recomputed' })
      const { summary } = await there.client.call('library.get', { ref: cartridge.packetId })
      expect(summary.trust).toBe('trusted')
      await there.client.call('library.delete', { packetIds: [cartridge.packetId] })
    }
  })

  it.each(Object.entries(LIES))('is not taken in by %s', { timeout: PATIENCE_MS }, async (name, lie) => {
    const salt = Object.keys(LIES).indexOf(name) * 1009 + STARTS.indexOf(start) * 200
    // A lie with few ways to be told is told once in each: the same bytes get the same answer.
    const told = new Map<string, Uint8Array<ArrayBuffer>>()
    for (let variation = 0; variation < variations; variation++) {
      const bytes = putTogether(lie(honest, seeded(salt + variation)))
      told.set(sha256(bytes), bytes)
    }
    const { packets } = there.engine.state.store.library
    const before = packets.all().length
    const files = [...told.values()]
    let admitted = 0
    while (files.length > 0) {
      const outcomes = await Promise.all(files.splice(0, AT_ONCE).map(expectUntrusted))
      admitted += outcomes.filter(Boolean).length
    }
    expect(packets.all()).toHaveLength(before + admitted)
  })
})
