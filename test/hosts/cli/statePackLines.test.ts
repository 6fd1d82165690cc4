/** State Pack's own command lines, in the order its README gives them, on the real program. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Pointer, pointerSchema } from '#hosts/cli/pointerFile.ts'
import { bundledText, questionDelta } from '../../engine/testEngine.ts'
import { openHome } from './statepack.ts'

const home = openHome()
afterAll(() => home.remove())
const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex')
const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/)

let base: string
let question: string
let answer: string
beforeAll(async () => {
  const text = await bundledText('card-coffee')
  base = text.text
  const [[q, a]] = text.questions as [[string, string]]
  question = questionDelta(q)
  answer = a
  await home.write('base.txt', base)
  await home.write('delta.txt', question)
  await home.write('more.txt', 'The fee of the club is 314.\n')
})

describe('from a text to an answer and on', { timeout: 60_000 }, () => {
  let pointer: Pointer

  it('create --model --base --out writes the store and a pointer file', async () => {
    const created = await home.ok([
      'create',
      ...['--model', 'starter-transformer', '--base', 'base.txt', '--out', 'packets'],
    ])
    expect(created.manifest).toBe(join('packets', `state_packet_${sha256(base)}.json`))
    pointer = pointerSchema.parse(JSON.parse(await home.read(created.manifest)))
    expect(pointer).toEqual({
      ...{ version: 'state-pack-v0.1', model: 'starter-transformer', base_sha256: sha256(base) },
      ...{ base_bytes: Buffer.byteLength(base), base_tokens: 107, base_file: 'base.txt' },
      ...{ blob_sha256: expect.stringMatching(/^[0-9a-f]{64}$/), blob_bytes: expect.any(Number), blob_file: null },
      ...{ packet_id: digest, context_id: digest },
    })
    expect(created).toMatchObject({ ...pointer, op: 'create', ok: true, receipt_id: digest, cache_hit: false })
    expect(created.bytes).toBe(pointer.blob_bytes)
    expect(created.tokens).toMatchObject({ base: 107, delta: 0, processed: 107, saved: 0 })
  })

  const manifest = () => join('packets', `state_packet_${pointer.base_sha256}.json`)

  it('verify --manifest takes the pointer file, and recomputes when asked', async () => {
    const intact = await home.ok(['verify', '--manifest', manifest()])
    expect(intact).toMatchObject({ op: 'verify', ok: true, level: 'intact', packet_id: pointer.packet_id })
    expect(intact).toMatchObject({ base_sha256: pointer.base_sha256, blob_sha256: pointer.blob_sha256 })
    const deep = await home.ok(['verify', '--manifest', manifest(), '--level', 'recomputed'])
    expect(deep).toMatchObject({ ok: true, level: 'recomputed', tokens_processed: 107 })
  })

  it('delta --manifest --delta --out writes a delta packet', async () => {
    const printed = await home.ok(['delta', '--manifest', manifest(), '--delta', 'delta.txt', '--out', 'delta.json'])
    const packet = JSON.parse(await home.read('delta.json'))
    expect(packet).toEqual({
      ...{ version: 'state-delta-v1', packet_id: pointer.packet_id, context_id: pointer.context_id },
      ...{ model: 'starter-transformer', delta_sha256: sha256(question) },
      ...{ delta_bytes: Buffer.byteLength(question), delta_text: question },
    })
    expect(printed).toMatchObject({ ...packet, op: 'delta', base_sha256: pointer.base_sha256 })
  })

  it('infer --delta --store answers from the state by the delta alone', async () => {
    const inferred = await home.ok(['infer', '--delta', 'delta.json', '--store', 'packets'])
    expect(inferred).toMatchObject({ op: 'infer', ok: true, packet_id: pointer.packet_id, finish_reason: 'stop' })
    expect(inferred.output.trim()).toBe(`${answer}.`)
    expect(inferred).toMatchObject({ new_context_id: digest, new_packet_id: digest })
    const { tail, delta, generated, processed } = inferred.token_counts
    expect(processed).toBe(tail + delta + generated)
    expect(generated).toBe(inferred.output_token_ids.length)
    expect(inferred.delta_sha256).toBe(sha256(question))
    expect(inferred.tokens.savings_percent).toBeGreaterThan(75)
  })

  it('resolve --store --base-hash finds the cartridge of a text, also when others came of it', async () => {
    const resolved = await home.ok(['resolve', '--store', 'packets', '--base-hash', sha256(base)])
    expect(resolved).toMatchObject({
      packet_id: pointer.packet_id,
      context_id: pointer.context_id,
      base_sha256: pointer.base_sha256,
      tokens: 107,
    })
  })

  it('tokenize --delta prints ids and the trace over them', async () => {
    const { token_ids, ...printed } = await home.ok(['tokenize', '--delta', 'delta.txt'])
    expect(printed.delta_tokens).toBe(token_ids.length)
    expect(printed.token_trace_sha256).toBe(sha256(JSON.stringify(token_ids)))
    expect(printed.pieces.join('')).toBe(question)
    const { token_ids: piped } = await home.ok(['tokenize', '--delta', '-'], { stdin: question })
    expect(piped).toEqual(token_ids)
  })

  it('merge makes the context that creating the whole text makes', async () => {
    const merged = await home.ok(['merge', '--manifest', manifest(), '--delta', 'more.txt'])
    expect(merged).toMatchObject({ op: 'merge', ok: true, new_packet_id: digest, cache_hit: false })
    expect(merged.legacy_hash).toBe(sha256(`${pointer.base_sha256}|${sha256(await home.read('more.txt'))}`))
    await home.write('whole.txt', `${base}${await home.read('more.txt')}`)
    const whole = await home.ok(['create', '--base', 'whole.txt', '--store', 'packets'])
    expect(whole.context_id).toBe(merged.new_context_id)
    expect(whole).toMatchObject({ cache_hit: true, tokens_processed: 0, packet_id: merged.new_packet_id })

    const folded = await home.ok(['compact', merged.new_packet_id, '--store', 'packets', '--name', 'folded'])
    // The base and what was merged into it.
    expect(folded).toMatchObject({ op: 'compact', ok: true, steps_folded: 2, dropped: [] })
    expect(folded.new_context_id).toBe(merged.new_context_id)
  })

  it('gc keeps what names lead to, and says what it would remove', async () => {
    const dry = await home.ok(['gc', '--store', 'packets', '--dry-run'])
    expect(dry).toMatchObject({ dryRun: true, blobs: expect.any(Number), bytes: expect.any(Number) })
    await home.ok(['gc', '--store', 'packets'])
    await home.ok(['verify', '--manifest', manifest()])
  })

  it('benchmark counts naive against state', async () => {
    const { tokens, steps } = await home.ok(['benchmark', '--steps', '3', '--model', 'starter-mamba'])
    // 81 tokens of base, 35 of each step.
    expect(tokens).toMatchObject({ naive: 3 * 81 + 35 * 6, state: 81 + 3 * 35 })
    expect(steps).toHaveLength(3)
  })
})

describe('packets of State Pack itself', { timeout: 60_000 }, () => {
  const vectors = [
    {
      base_sha256: '703fadf83ff71f2b89f201a8b1a316982a1e436a0a3886387182d41e33cefdad',
      base_bytes: 87,
      blob_sha256: '0377a8521488ec4e544ace694227d1228a3a26b0988c412b5c1bd182accb349c',
      blob_bytes: 1192207,
      packet_id: 'sha256:b81c4f12e641f82db5aae3d2f6741afc316f06450b1d9ab73fd24e286cf0c052',
    },
    {
      base_sha256: 'd6ffbf9823b1d2c3fe4f1216922995dac90a8833810e039af5397160d2103f59',
      base_bytes: 189,
      blob_sha256: 'a1c7be991defbcf136982ed4887e4a69802385c06b807cfb757c54f72fd26fe7',
      blob_bytes: 2593039,
      packet_id: 'sha256:812ee498d2880e4d00a729cb1b99176de9118e3b78cc3966cfefbfc9b5fc81f0',
    },
  ].map(fields => ({
    ...{ version: 'state-pack-v0.1', model: 'gpt2', base_tokens: 20, base_file: null, blob_file: 'packet.pt' },
    ...fields,
  }))

  it.each(vectors)('the id $packet_id is accepted, and bound to each of its fields', async vector => {
    const pointer = `${vector.blob_bytes}.json`
    await home.write(pointer, JSON.stringify(vector))
    // The blob is not here: that is the one thing missing.
    const accepted = await home.run(['verify', '--manifest', pointer])
    expect([accepted.code, accepted.error().code]).toEqual([21, 'E_MISSING_BLOB'])
    await home.write(pointer, JSON.stringify({ ...vector, base_bytes: vector.base_bytes + 1 }))
    const changed = await home.run(['verify', '--manifest', pointer])
    expect(changed.code).toBe(20)
    expect(changed.error()).toMatchObject({ code: 'E_CORRUPT', details: { field: 'packet_id' } })
  })

  it('create --blob binds an opaque cache that is checked, continued, and never loaded', async () => {
    const blob = await home.write('cache.pt', new Uint8Array([0x80, 2, 0x2e]))
    const created = await home.ok(['create', '--model', 'gpt2', '--base', 'base.txt', '--blob', blob, '--out', 'old'])
    expect(created.packet_id).toBe(
      `sha256:${sha256(`state-pack-v0.1|gpt2|${sha256(base)}|${Buffer.byteLength(base)}|${created.blob_sha256}|3`)}`,
    )
    const manifest = join('old', `state_packet_${sha256(base)}.json`)
    expect(await home.ok(['verify', '--manifest', manifest])).toMatchObject({
      ...{ ok: true, foreign: true, packet_id: created.packet_id, bytes: 3 },
    })
    const text = 'The next issue is waiver, estoppel, and material breach.\n'
    await home.write('issue.txt', text)
    await home.ok(['delta', '--manifest', manifest, '--delta', 'issue.txt', '--out', 'issue.json'])
    expect(JSON.parse(await home.read('issue.json'))).toEqual({
      ...{ version: 'state-delta-v0.1', model: 'gpt2', base_sha256: sha256(base), packet_id: created.packet_id },
      delta_sha256: '205af27e715d78d616b50c8c4f3b81c4662aad7a44264b0e93be9e76b3efb42f',
      ...{ delta_bytes: 57, delta_text: text },
    })
    const run = await home.run(['infer', '--manifest', manifest, '--delta', 'issue.txt'])
    expect([run.code, run.error().code]).toEqual([29, 'E_NOT_SUPPORTED'])
    await home.write('old/cache.pt', new Uint8Array([0x80, 2, 0x2f]))
    const tampered = await home.run(['verify', '--manifest', manifest])
    expect([tampered.code, tampered.error().details.field]).toEqual([20, 'blob_sha256'])
  })
})
