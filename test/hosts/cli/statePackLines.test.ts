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

const HEX = expect.stringMatching(/^[0-9a-f]{64}$/)
const RECEIPT = { receipt_id: digest, ok: true, packet_id: digest, base_sha256: HEX }
const number = expect.any(Number)
/** The fields that its README shows under each of its lines; every one is there, and none is null. */
const SHOWN = {
  create: { ...RECEIPT, op: 'create', blob_sha256: HEX, bytes: number },
  verify: { ...RECEIPT, op: 'verify', blob_sha256: HEX, bytes: number },
  delta: { ...RECEIPT, op: 'delta', delta_sha256: HEX, bytes: number },
  infer: { ...RECEIPT, op: 'infer', blob_sha256: HEX, delta_sha256: HEX, bytes: number },
  tokenize: {
    ...{ model: expect.any(String), delta_sha256: HEX, token_count: number },
    ...{ token_ids: expect.any(Array), token_trace_sha256: HEX },
  },
  merge: { ...RECEIPT, op: 'merge', blob_sha256: HEX, delta_sha256: HEX, bytes: number },
  resolve: { manifest: expect.any(String), packet_id: digest, base_sha256: HEX },
  benchmark: {
    ...{ model: expect.any(String), steps: number },
    naive: { tokens_processed: number, seconds: number },
    state_pack: { tokens_processed: number, seconds: number },
    savings: { tokens_saved: number, savings_percent: number, speedup: number },
  },
}

describe('from a text to an answer and on', () => {
  let pointer: Pointer

  it('create --model --base --out writes the store and a pointer file', async () => {
    const created = await home.ok([
      'create',
      ...['--model', 'starter-transformer', '--base', 'base.txt', '--out', 'packets'],
    ])
    expect(created).toMatchObject(SHOWN.create)
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
    expect(intact).toMatchObject(SHOWN.verify)
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
    expect(printed).toMatchObject(SHOWN.delta)
    expect(printed).toMatchObject({ ...packet, base_sha256: pointer.base_sha256 })
  })

  it('infer --delta --store answers from the state by the delta alone', async () => {
    const inferred = await home.ok(['infer', '--delta', 'delta.json', '--store', 'packets'])
    expect(inferred).toMatchObject(SHOWN.infer)
    expect(inferred).toMatchObject({ base_sha256: pointer.base_sha256, blob_sha256: pointer.blob_sha256 })
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
    expect(resolved).toMatchObject(SHOWN.resolve)
    expect(resolved).toMatchObject({
      manifest: manifest(),
      packet_id: pointer.packet_id,
      context_id: pointer.context_id,
      base_sha256: pointer.base_sha256,
      tokens: 107,
    })
  })

  it('tokenize --delta prints ids and the trace over them', async () => {
    const all = await home.ok(['tokenize', '--delta', 'delta.txt'])
    expect(all).toMatchObject(SHOWN.tokenize)
    const { token_ids, ...printed } = all
    expect(printed).toMatchObject({ model: 'starter-transformer', token_count: token_ids.length })
    expect(printed.token_trace_sha256).toBe(sha256(JSON.stringify(token_ids)))
    expect(printed.pieces.join('')).toBe(question)
    const { token_ids: piped } = await home.ok(['tokenize', '--delta', '-'], { stdin: question })
    expect(piped).toEqual(token_ids)
    // Of a delta packet its text is meant.
    expect((await home.ok(['tokenize', '--delta', 'delta.json'])).token_ids).toEqual(token_ids)
  })

  it('merge makes the context that creating the whole text makes', async () => {
    const merged = await home.ok(['merge', '--manifest', manifest(), '--delta', 'more.txt', '--out', 'packets'])
    expect(merged).toMatchObject(SHOWN.merge)
    // The pointer of the result is found under the hash of the whole text, and speaks for the merged packet.
    const whole256 = sha256(`${base}${await home.read('more.txt')}`)
    expect(merged.manifest).toBe(join('packets', `state_packet_${whole256}.json`))
    expect(merged).toMatchObject({ op: 'merge', ok: true, new_packet_id: digest, cache_hit: false })
    expect(merged.legacy_hash).toBe(sha256(`${pointer.base_sha256}|${sha256(await home.read('more.txt'))}`))
    await home.write('whole.txt', `${base}${await home.read('more.txt')}`)
    const whole = await home.ok(['create', '--base', 'whole.txt', '--store', 'packets'])
    expect(whole.context_id).toBe(merged.new_context_id)
    expect(whole).toMatchObject({ cache_hit: true, tokens_processed: 0, packet_id: merged.new_packet_id })

    const folded = await home.ok(['compact', merged.manifest, '--name', 'folded'])
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
    const printed = await home.ok(['benchmark', '--steps', '3', '--model', 'starter-mamba', '--out', 'loop.json'])
    expect(printed).toMatchObject(SHOWN.benchmark)
    expect(JSON.parse(await home.read('loop.json'))).toEqual(printed)
    const { naive, state_pack, per_step } = printed
    // 81 tokens of base, 35 of each step.
    expect([naive.tokens_processed, state_pack.tokens_processed]).toEqual([3 * 81 + 35 * 6, 81 + 3 * 35])
    expect(per_step).toHaveLength(3)
  })
})

describe('packets of State Pack itself', () => {
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

  describe('with an opaque blob', () => {
    const text = 'The next issue is waiver, estoppel, and material breach.\n'
    const manifest = () => join('old', `state_packet_${sha256(base)}.json`)
    // biome-ignore lint/suspicious/noExplicitAny: what a program printed; every use asserts what it finds.
    const printed: Record<string, any> = {}
    beforeAll(async () => {
      await home.write('issue.txt', text)
      await home.write('cache.pt', new Uint8Array([0x80, 2, 0x2e]))
    })

    it('create, verify, delta, tokenize, merge and resolve check it, bind it, and never load it', async () => {
      const blob = ['--blob', 'cache.pt', '--out', 'old']
      printed.create = await home.ok(['create', '--model', 'gpt2', '--base', 'base.txt', ...blob])
      expect(printed.create).toMatchObject({ ...SHOWN.create, bytes: 3, blob_file: `state_packet_${sha256(base)}.pt` })
      expect(printed.create.packet_id).toBe(
        `sha256:${sha256(`state-pack-v0.1|gpt2|${sha256(base)}|${Buffer.byteLength(base)}|${printed.create.blob_sha256}|3`)}`,
      )
      const { packet_id } = printed.create
      printed.verify = await home.ok(['verify', '--manifest', manifest()])
      expect(printed.verify).toMatchObject({ ...SHOWN.verify, foreign: true, packet_id, bytes: 3 })

      printed.delta = await home.ok(['delta', '--manifest', manifest(), '--delta', 'issue.txt', '--out', 'issue.json'])
      expect(printed.delta).toMatchObject({ ...SHOWN.delta, bytes: 57 })
      expect(JSON.parse(await home.read('issue.json'))).toEqual({
        ...{ version: 'state-delta-v0.1', model: 'gpt2', base_sha256: sha256(base), packet_id },
        delta_sha256: '205af27e715d78d616b50c8c4f3b81c4662aad7a44264b0e93be9e76b3efb42f',
        ...{ delta_bytes: 57, delta_text: text },
      })
      const tokenized = await home.ok(['tokenize', '--delta', 'issue.json'])
      expect(tokenized).toMatchObject({ ...SHOWN.tokenize, model: 'gpt2', token_count: 15 })
      expect(tokenized.token_trace_sha256).toBe('ed62c5ca2711a46e0b9695f4fa2acb5a72e133c8d328c3a6db388d68b95cc790')

      printed.merge = await home.ok(['merge', '--manifest', manifest(), '--delta', 'issue.json', ...blob])
      const merged = sha256(`${sha256(base)}|${sha256(text)}`)
      expect(printed.merge).toMatchObject({ ...SHOWN.merge, base_sha256: merged })
      expect(printed.merge.base_tokens).toBe(printed.create.base_tokens + 15)
      const found = await home.ok(['resolve', '--store', 'old', '--base-hash', merged])
      expect(found).toMatchObject({ ...SHOWN.resolve, packet_id: printed.merge.packet_id })
    })

    it('its receipts are its own kind: verified by their ids', async () => {
      const receipts = ['create', 'verify', 'delta', 'merge'].map(verb => {
        const { receipt_id, op, ok, packet_id, base_sha256, blob_sha256, delta_sha256, bytes } = printed[verb]
        const receipt = { receipt_id, op, ok, packet_id, base_sha256, blob_sha256, delta_sha256, bytes }
        return JSON.stringify({ ...receipt, bytes_saved: null, tokens: null })
      })
      await home.write('all.jsonl', `${receipts.join('\n')}\n`)
      expect(await home.ok(['receipts', 'verify', 'all.jsonl'])).toMatchObject({ ok: true, count: 4, signed: false })
      await home.write('changed.json', receipts[2]?.replace('"bytes":57', '"bytes":58') ?? '')
      const changed = await home.run(['receipts', 'verify', 'changed.json'])
      expect([changed.code, changed.error().code]).toEqual([20, 'E_CORRUPT'])
    })

    it('its state is that of its text: read when the text is given, found from then on', async () => {
      const line = [
        '--delta',
        'issue.json',
        '--store',
        'old',
        '--model',
        'starter-transformer',
        '--max-new-tokens',
        '1',
      ]
      const run = await home.run(['infer', ...line])
      expect([run.code, run.error().code]).toEqual([29, 'E_NOT_SUPPORTED'])
      expect(run.error().message).toContain('--base')
      const wrong = await home.run(['infer', ...line, '--base', 'issue.txt'])
      expect([wrong.code, wrong.error().details.field]).toEqual([20, 'base_sha256'])
      const inferred = await home.ok(['infer', ...line, '--base', 'base.txt'])
      expect(inferred).toMatchObject({ ...SHOWN.infer, base_sha256: sha256(base), bytes: 57 })
      const { packet_id } = inferred
      expect(await home.ok(['infer', '--manifest', manifest(), ...line])).toMatchObject({ packet_id })
    })

    it('a changed blob is found', async () => {
      await home.write(join('old', `state_packet_${sha256(base)}.pt`), new Uint8Array([0x80, 2, 0x2f]))
      const tampered = await home.run(['verify', '--manifest', manifest()])
      expect([tampered.code, tampered.error().details.field]).toEqual([20, 'blob_sha256'])
    })
  })
})
