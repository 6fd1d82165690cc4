import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { askEndpoint, chatUrl } from '#engine/savings/chatEndpoint.ts'
import { deltaText, PROVIDER_LOOP } from '#engine/savings/loopTexts.ts'
import {
  type ProviderBenchmarkOptions,
  type ProviderStep,
  runProviderBenchmark,
} from '#engine/savings/providerBenchmark.ts'
import { costOf, type Price } from '#shared/domain/prices.ts'
import { type Misbehave, startProvider } from './localProvider.ts'

const KEY = 'sk-test-0123456789abcdefGHIJKL'
const price: Price = {
  id: 'p',
  label: 'P',
  input: 2,
  cachedInput: 1,
  output: 8,
  cacheWrite: null,
  source: 'test',
  date: '2026-01-01',
}

function options(endpoint: string, change: Partial<ProviderBenchmarkOptions> = {}): ProviderBenchmarkOptions {
  return {
    ...{ endpoint, apiKey: KEY, model: 'm', steps: 6, maxTokens: 64, price, spendingCapUsd: 1 },
    modes: ['full-history', 'context-discipline', 'provider-caching'],
    ...change,
  }
}

const CHAT = '/v1/chat/completions'
const words = (text: string) => text.split(/\s+/).filter(w => w !== '').length

describe('provider benchmark', () => {
  it('sends each mode as it is called, and counts what the provider counted', async () => {
    await using server = await startProvider()
    const steps: ProviderStep[] = []
    const result = await runProviderBenchmark(options(server.endpoint, { onStep: step => steps.push(step) }))
    expect(server.requests.length).toBe(18)
    expect(server.requests.every(r => r.authorization === `Bearer ${KEY}` && r.path === '/v1/chat/completions')).toBe(
      true,
    )
    const sent = server.requests.map(r => r.body.messages)
    const sizes = (from: number) => sent.slice(from, from + 6).map(messages => messages.length)
    expect([sizes(0), sizes(6), sizes(12)]).toEqual([
      [2, 4, 6, 8, 10, 12],
      [2, 2, 2, 2, 2, 2],
      [2, 4, 6, 8, 10, 12],
    ])
    for (const [i, messages] of sent.entries())
      expect(messages.at(-1)?.content).toBe(deltaText(PROVIDER_LOOP, (i % 6) + 1))
    expect(sent[17]?.[0]?.content).toBe(PROVIDER_LOOP.base)

    const [full, discipline, caching] = result.modes
    // A token is a word here, so the totals can be computed by hand: system, steps of 14 words, replies of 3, one word for each role.
    const base = words(PROVIDER_LOOP.base) + 1
    const delta = words(deltaText(PROVIDER_LOOP, 1)) + 1
    const history = (step: number) => base + delta * step + 4 * (step - 1)
    const whole = [1, 2, 3, 4, 5, 6].reduce((sum, step) => sum + history(step), 0)
    expect(full?.inputTokens).toBe(whole + 6 * 2)
    expect(discipline?.inputTokens).toBe(6 * (base + delta))
    expect(caching?.inputTokens).toBe(whole)
    // Nothing of a full history is found in a cache when it is kept out of it; with it, all but what is new.
    expect(full?.cachedTokens).toBe(0)
    expect(caching?.cachedTokens).toBeGreaterThan(whole / 2)
    expect(result.spentUsd).toBeCloseTo(
      steps.reduce((sum, s) => sum + s.usd, 0),
      12,
    )
    for (const mode of result.modes) {
      const cost = costOf({ input: mode.inputTokens, cached: mode.cachedTokens, output: mode.outputTokens }, price)
      expect(mode.usd).toBeCloseTo(cost, 12)
    }
    expect(result.stoppedByCap).toBe(false)
  })

  it('charges cache writes where the provider does', async () => {
    await using server = await startProvider()
    const writing = { ...price, cacheWrite: 2.5 }
    const { modes } = await runProviderBenchmark(
      options(server.endpoint, { modes: ['provider-caching'], price: writing }),
    )
    const [mode] = modes
    if (mode === undefined) throw new Error('one mode was asked for')
    const written = mode.inputTokens - mode.cachedTokens
    expect(mode.usd).toBeCloseTo((mode.cachedTokens * 1 + written * 2.5 + mode.outputTokens * 8) / 1e6, 12)
  })

  it('never spends more than the cap, and says that it stopped', async () => {
    for (const spendingCapUsd of [0.0015, 0.003, 0.008]) {
      await using server = await startProvider()
      const result = await runProviderBenchmark(options(server.endpoint, { steps: 50, spendingCapUsd }))
      expect(result.stoppedByCap).toBe(true)
      expect(result.spentUsd).toBeLessThanOrEqual(spendingCapUsd)
      expect(result.spentUsd).toBeGreaterThan(0)
      expect(server.requests.length).toBe(result.modes.reduce((sum, mode) => sum + mode.steps, 0))
    }
    await using server = await startProvider()
    await expect(runProviderBenchmark(options(server.endpoint, { spendingCapUsd: 1e-6 }))).rejects.toMatchObject({
      code: 'E_SPENDING_CAP',
    })
    expect(server.requests.length).toBe(0)
  })

  it('can be cancelled', async () => {
    await using server = await startProvider({ misbehave: request => request.body.messages.length > 4 })
    const controller = new AbortController()
    const run = runProviderBenchmark(
      options(server.endpoint, {
        signal: controller.signal,
        onStep: s => s.step === 2 && setTimeout(() => controller.abort(), 20),
      }),
    )
    await expect(run).rejects.toMatchObject({ code: 'E_CANCELLED' })
  })

  const answer =
    (status: number, body: string): Misbehave =>
    (_, response) => {
      response.statusCode = status
      response.end(body)
      return true
    }
  const echo =
    (status: number): Misbehave =>
    (request, response) =>
      answer(status, `bad key: ${request.authorization}`)(request, response)
  const refusals: [string, Misbehave, string][] = [
    ['401 that repeats the key', echo(401), 'E_UNAUTHORIZED'],
    ['401 that repeats part of the key', answer(401, `Incorrect key ${KEY.slice(0, 10)}…`), 'E_UNAUTHORIZED'],
    ['403', echo(403), 'E_UNAUTHORIZED'],
    ['429', echo(429), 'E_BUSY'],
    ['500', echo(500), 'E_NETWORK'],
    ['not JSON', answer(200, '<html>'), 'E_BAD_FORMAT'],
    ['no usage', answer(200, '{"choices":[{"message":{"content":"x"}}]}'), 'E_BAD_FORMAT'],
    [
      'negative usage',
      answer(200, '{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":-5,"completion_tokens":0}}'),
      'E_BAD_FORMAT',
    ],
    [
      'an endless answer',
      (_, response) => {
        response.on('error', () => undefined)
        const more = () => {
          while (response.write('x'.repeat(65_536)));
          response.once('drain', more)
        }
        more()
        return true
      },
      'E_TOO_LARGE',
    ],
    [
      'a closed connection',
      (_, response) => {
        response.destroy()
        return true
      },
      'E_NETWORK',
    ],
  ]
  it.each(refusals)('typed error, and no key in it: %s', async (_, misbehave, code) => {
    await using server = await startProvider({ misbehave })
    const error = await runProviderBenchmark(options(server.endpoint)).catch(e => e)
    expect(error).toMatchObject({ code, details: { spentUsd: 0 } })
    const shown = inspect(error, { depth: 10, showHidden: true })
    for (let at = 0; at + 8 <= KEY.length; at++) expect(shown).not.toContain(KEY.slice(at, at + 8))
  })

  it('does not follow a redirect, so the key goes nowhere else', async () => {
    await using elsewhere = await startProvider()
    await using server = await startProvider({
      misbehave: (_, response) => {
        response.writeHead(307, { location: `${elsewhere.endpoint}/chat/completions` }).end()
        return true
      },
    })
    await expect(runProviderBenchmark(options(server.endpoint))).rejects.toMatchObject({ code: 'E_NETWORK' })
    expect([server.requests.length, elsewhere.requests.length]).toEqual([1, 0])
  })

  it.each(['sk-a\nb', 'sk a', 'sk-ü'])('refuses the key %j without repeating it', async apiKey => {
    await using server = await startProvider()
    const error = await runProviderBenchmark(options(server.endpoint, { apiKey })).catch(e => e)
    expect(error.code).toBe('E_BAD_INPUT')
    expect(inspect(error, { depth: 10 })).not.toContain(apiKey)
    expect(server.requests.length).toBe(0)
  })

  it('sends a key over https only, except on this machine', () => {
    for (const bad of [
      'http://example.com/v1',
      'ftp://localhost',
      'no address at all',
      'https://',
      'http://localhost.example.com',
      'https://me:pw@example.com',
    ]) {
      expect(() => chatUrl(bad)).toThrow(expect.objectContaining({ code: 'E_BAD_INPUT' }))
    }
  })

  it.each([
    ['https://api.example.com/v1/', `https://api.example.com${CHAT}`],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/chat/completions'],
    [`https://a.example${CHAT}`, `https://a.example${CHAT}`],
    [`https://a.example${CHAT}/`, `https://a.example${CHAT}`],
    [`https://a.example${CHAT}//?api-version=1#top`, `https://a.example${CHAT}?api-version=1`],
    [' https://a.example/v1 ', `https://a.example${CHAT}`],
    ['api.example.com/v1', `https://api.example.com${CHAT}`],
    ['localhost:11434/v1', `http://localhost:11434${CHAT}`],
    ['http://127.0.0.2:1/v1', `http://127.0.0.2:1${CHAT}`],
    ['http://[::1]:1/v1', `http://[::1]:1${CHAT}`],
    ['http://[::ffff:127.0.0.1]:1/v1', `http://[::ffff:7f00:1]:1${CHAT}`],
    ['http://localhost.:1/v1', `http://localhost.:1${CHAT}`],
    ['http://models.localhost:1/v1', `http://models.localhost:1${CHAT}`],
    ['http://0.0.0.0:8000/v1', `http://0.0.0.0:8000${CHAT}`],
  ])('the address %j is asked at %s', (endpoint, url) => {
    expect(chatUrl(endpoint).href).toBe(url)
  })
})

describe('servers that differ', () => {
  const refusing =
    (isRefused: (body: Record<string, unknown>) => boolean, error: object | string, status = 400): Misbehave =>
    ({ body }, response) => {
      if (!isRefused({ ...body })) return false
      response.statusCode = status
      response.end(typeof error === 'string' ? error : JSON.stringify({ error }))
      return true
    }
  const LIMIT = {
    message: "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
    param: 'max_tokens',
  }
  const WARMTH = { message: "'temperature' does not support 0 with this model.", param: 'temperature' }

  it.each<[string, Misbehave, number, boolean]>([
    ['wants max_completion_tokens', refusing(body => 'max_tokens' in body, LIMIT), 1, false],
    ['says so in words only', refusing(body => 'max_tokens' in body, 'max_tokens: extra inputs', 422), 1, false],
    ['names an empty field', refusing(body => 'max_tokens' in body, { ...LIMIT, param: '' }), 1, false],
    [
      'repeats the request',
      refusing(body => 'max_tokens' in body, { message: 'max_tokens {"temperature":0}' }),
      2,
      true,
    ],
    ['fixes the temperature', refusing(body => 'temperature' in body, WARMTH), 1, true],
    [
      'does both',
      (request, response) =>
        refusing(body => 'temperature' in body, WARMTH)(request, response) ||
        refusing(body => 'max_tokens' in body, LIMIT)(request, response),
      2,
      true,
    ],
  ])('one that %s is asked again, once for the whole run', async (_, misbehave, refusals, variesByRun) => {
    await using server = await startProvider({ misbehave })
    const result = await runProviderBenchmark(options(server.endpoint, { steps: 3, modes: ['full-history'] }))
    expect(result).toMatchObject({ variesByRun, modes: [{ steps: 3, outputTokens: 9 }] })
    expect(server.requests.length).toBe(3 + refusals)
    const last: object = server.requests.at(-1)?.body ?? {}
    // Whatever a server takes: never without a limit, the cap rests on it.
    expect('max_tokens' in last || 'max_completion_tokens' in last).toBe(true)
  })

  it('one that refuses both limits is not asked for ever', async () => {
    const misbehave = refusing(() => true, LIMIT)
    await using server = await startProvider({ misbehave })
    await expect(runProviderBenchmark(options(server.endpoint))).rejects.toMatchObject({ code: 'E_NETWORK' })
    expect(server.requests.length).toBe(2)
  })

  it('one that answers below /v1 is found by its host alone; a path that was given is kept', async () => {
    const misbehave: Misbehave = ({ path }, response) => {
      if (path === CHAT) return false
      response.statusCode = 404
      response.end('not here')
      return true
    }
    await using server = await startProvider({ misbehave })
    const { origin } = new URL(server.endpoint)
    await runProviderBenchmark(options(origin, { steps: 2, modes: ['full-history'] }))
    expect(server.requests.map(({ path }) => path)).toEqual(['/chat/completions', CHAT, CHAT])
    await expect(runProviderBenchmark(options(`${origin}/api`))).rejects.toThrow('not here')
    expect(server.requests.map(({ path }) => path).slice(3)).toEqual(['/api/chat/completions'])
  })

  it('a key is sent without the space that was copied with it', async () => {
    await using server = await startProvider()
    await runProviderBenchmark(options(server.endpoint, { apiKey: ' sk-test\n', steps: 1, modes: ['full-history'] }))
    expect(server.requests.map(r => r.authorization)).toEqual(['Bearer sk-test'])
  })

  it('one without a key gets no authorization', async () => {
    await using server = await startProvider()
    await runProviderBenchmark(options(server.endpoint, { apiKey: '', steps: 1, modes: ['full-history'] }))
    expect(server.requests.map(r => r.authorization)).toEqual([''])
  })

  it('one without a key that refuses says why', async () => {
    await using server = await startProvider({ misbehave: refusing(() => true, 'no such model', 404) })
    await expect(runProviderBenchmark(options(server.endpoint, { apiKey: '' }))).rejects.toThrow('no such model')
  })

  const USAGE = { prompt_tokens: 100, completion_tokens: 5 }
  it.each([
    ['content as parts', [{ type: 'text', text: 'fo' }, { type: 'image' }, { type: 'text', text: 'ur' }], USAGE, 0],
    ['content as texts', ['fo', { type: 'text', text: 'ur' }], USAGE, 0],
    ['no cache', 'four', USAGE, 0],
    ['prompt_tokens_details', 'four', { ...USAGE, prompt_tokens_details: { cached_tokens: 64 } }, 64],
    ['input_tokens_details', 'four', { ...USAGE, input_tokens_details: { cached_tokens: 64 } }, 64],
    ['prompt_cache_hit_tokens', 'four', { ...USAGE, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 }, 64],
    ['cache_read_input_tokens', 'four', { ...USAGE, cache_read_input_tokens: 64 }, 64],
    ['cached_tokens', 'four', { ...USAGE, cached_tokens: 64 }, 64],
    ['details that are null', 'four', { ...USAGE, prompt_tokens_details: null, cached_tokens: 64 }, 64],
    ['more cached than read', 'four', { ...USAGE, cached_tokens: 640 }, 100],
    ['input_tokens', 'four', { input_tokens: 100, output_tokens: 5 }, 0],
  ])('an answer with %s', async (_, content, usage, cachedTokens) => {
    const misbehave: Misbehave = (_request, response) => {
      response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }], usage }))
      return true
    }
    await using server = await startProvider({ misbehave })
    const request = { messages: [{ role: 'user' as const, content: 'two and two' }], maxTokens: 16 }
    expect(await askEndpoint(options(server.endpoint), request)).toMatchObject({
      text: 'four',
      inputTokens: 100,
      cachedTokens,
      outputTokens: 5,
    })
  })
})
