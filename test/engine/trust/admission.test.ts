/** What comes in is admitted whole or not at all, and changes nothing of what is trusted here already. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openKeys, publicPem } from '#engine/receipts/keys.ts'
import { signClaim } from '#engine/receipts/statement.ts'
import { sha256 } from '#engine/sha256.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { exported, openTestEngine, type TestEngine } from '../testEngine.ts'
import { type Draft, layersOf, putTogether, type ReferrerDraft, takeApart, utf8 } from './forgery.ts'

const SIGNATURE = 'application/vnd.dsse.envelope.v1+json'
const model = 'starter-transformer'
const sources = [{ name: 'tea.txt', text: 'Facts:\nThe tea of Tolan is green.\n' }]

let maker: TestEngine
let here: TestEngine
beforeEach(async () => {
  maker = await openTestEngine()
  here = await openTestEngine()
})
afterEach(async () => {
  await maker.close()
  await here.close()
})

const create = async ({ client }: TestEngine) =>
  (await client.call('packets.create', { model, sources })).cartridge.packetId

async function madeElsewhere(): Promise<{ packetId: Digest; draft: Draft; file: Uint8Array<ArrayBuffer> }> {
  const packetId = await create(maker)
  const file = await exported(maker.client, { ref: packetId })
  return { packetId, file, draft: takeApart(file) }
}

/** A signature over a packet by a key of its own. */
async function signature(folder: string, subject: Digest): Promise<ReferrerDraft & { keyid: string }> {
  const keys = await openKeys(join(maker.folder, folder))
  const claim = {
    subject: { name: 'cartridge', digest: subject },
    predicateType: 'urn:statepack:cartridge-signature:v1',
    predicate: { publicKey: publicPem(keys.current) },
  }
  return { artifactType: SIGNATURE, bytes: signClaim(claim, keys), keyid: keys.current.keyid }
}

/** Everything that an import may change. */
const library = ({ engine: { state } }: TestEngine) => ({
  packets: state.store.library.packets.all(),
  referrers: state.store.library.referrers.list(),
  publishers: state.store.library.settings.get('app.publishers'),
  receipts: state.receipts.count,
})

const junk: Record<string, (real: Uint8Array) => Uint8Array> = {
  'no JSON at all': () => utf8('junk'),
  'an envelope without a key': () =>
    utf8('{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}'),
  'a signature over something else': real => utf8(new TextDecoder().decode(real).replace(/"sig":"..../, '"sig":"AAAA')),
}

describe.each(Object.entries(junk))('a signature that is %s', (_, forge) => {
  const forged = async (packetId: Digest) => ({
    artifactType: SIGNATURE,
    bytes: forge((await signature('stranger', packetId)).bytes),
  })

  it('refuses a file that asks for trust, whole', async () => {
    const { packetId, draft } = await madeElsewhere()
    const bytes = putTogether(draft, [await forged(packetId)])
    const [before, files] = [library(here), await here.files()]
    await expect(here.client.call('packets.import', { trust: true }, { upload: [bytes] })).rejects.toMatchObject({
      code: 'E_BAD_SIGNATURE',
    })
    expect(library(here)).toEqual(before)
    expect(await here.files()).toEqual(files)
  })

  it('is left out of one that does not, and said', async () => {
    const { packetId, draft } = await madeElsewhere()
    const bytes = putTogether(draft, [await forged(packetId), await signature('honest', packetId)])
    expect(await here.client.call('packets.review', {}, { upload: [bytes] })).toMatchObject({ refusedReferrers: 1 })
    const admitted = await here.client.call('packets.import', {}, { upload: [bytes] })
    expect(admitted).toMatchObject({ refusedReferrers: 1, cartridge: { trust: 'restricted' } })
    expect(library(here).referrers).toHaveLength(1)
  })

  it('breaks nothing of one’s own cartridge beside which it is put', async () => {
    const { packetId, draft } = await madeElsewhere()
    expect(await create(here)).toBe(packetId)
    await here.client.call('packets.import', {}, { upload: [putTogether(draft, [await forged(packetId)])] })
    const file = await exported(here.client, { ref: packetId })
    await expect(here.client.call('packets.verify', { ref: packetId, level: 'signed' })).resolves.toMatchObject({
      level: 'signed',
    })
    await here.client.call('library.trust', { packetId })
    const again = await here.client.call('packets.review', {}, { upload: [file] })
    expect(again).toMatchObject({ refusedReferrers: 0, signedBy: expect.stringContaining('this installation') })
  })
})

it('takes no stranger’s word for a cartridge that is one’s own, and trusts nobody with it', async () => {
  const { packetId, draft } = await madeElsewhere()
  await create(here)
  const before = library(here)
  await here.client.call(
    'packets.import',
    {},
    { upload: [putTogether(draft, [await signature('stranger', packetId)])] },
  )
  await here.client.call('library.trust', { packetId })
  expect(library(here)).toEqual({ ...before, receipts: before.receipts + 1 })
})

it('trusts the one signer that the review named, whoever signed it besides or later', async () => {
  const { packetId, draft } = await madeElsewhere()
  const [a, b, late] = [await signature('a', packetId), await signature('b', packetId), await signature('c', packetId)]
  const bytes = putTogether(draft, [a, b])
  const { signedBy } = await here.client.call('packets.review', {}, { upload: [bytes] })
  await here.client.call('packets.import', {}, { upload: [bytes] })
  await here.client.call('packets.import', {}, { upload: [putTogether(draft, [late])] })
  expect((await here.client.call('library.get', { ref: packetId })).signedBy).toBe(signedBy)
  await here.client.call('library.trust', { packetId })
  const named = [a, b].filter(({ keyid }) => signedBy?.includes(keyid.slice(0, 16)))
  expect(library(here).publishers).toEqual(named.map(({ keyid }) => keyid))
  expect(named).toHaveLength(1)
})

it('is restricted again when it comes back after it was trusted and deleted', async () => {
  const { packetId, file } = await madeElsewhere()
  await here.client.call('packets.import', { trust: true }, { upload: [file] })
  await here.client.call('library.delete', { packetIds: [packetId] })
  const back = await here.client.call('packets.import', {}, { upload: [file] })
  expect(back.cartridge.trust).toBe('restricted')
})

it('heals what was damaged when the same text is read again, and says that it read it', async () => {
  const packetId = await create(here)
  const { manifest } = await maker.client.call('packets.create', { model, sources }).then(async () => ({
    manifest: await here.engine.state.store.readManifest(packetId as never),
  }))
  const layer = manifest.layers.find(({ mediaType }) => mediaType === LAYER_TYPES.kv)
  const path = join(here.folder, 'store', 'blobs', 'sha256', (layer?.digest ?? '').slice('sha256:'.length))
  const bytes = await readFile(path)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  await writeFile(path, bytes)
  await expect(here.client.call('packets.verify', { ref: packetId })).rejects.toMatchObject({ code: 'E_CORRUPT' })
  const again = await here.client.call('packets.create', { model, sources })
  expect(again).toMatchObject({ cacheHit: false, cartridge: { packetId } })
  expect(again.tokensProcessed).toBeGreaterThan(0)
  await here.client.call('packets.verify', { ref: packetId, level: 'recomputed' })
})

it('reads no mask of millions of runs', async () => {
  const { draft } = await madeElsewhere()
  draft.spell = config => utf8(new TextDecoder().decode(config).replace('[[1,', `[${'[1,0],'.repeat(3_000_000)}[1,`))
  await expect(here.client.call('packets.review', {}, { upload: [putTogether(draft)] })).rejects.toMatchObject({
    code: 'E_TOO_LARGE',
  })
})

it('shows what the model will read: tail, system prompt and card are looked through for secrets', async () => {
  const { draft } = await madeElsewhere()
  draft.config.tail.text += 'The key is AKIAIOSFODNN7EXAMPLE.\n'
  draft.layers = draft.layers.map(layer =>
    layer.mediaType === LAYER_TYPES.card ? { ...layer, bytes: utf8('Write to me@example.org.') } : layer,
  )
  const review = await here.client.call('packets.review', {}, { upload: [putTogether(draft)] })
  expect(review.modelReads).toContain('tea of Tolan')
  expect(review.heldBack).toContain('AKIAIOSFODNN7EXAMPLE')
  expect(review.notFromTexts).toContain('does not follow from its texts')
  expect(review.secrets.map(({ kind }) => kind)).toEqual(['AWS access key', 'email address'])
  const honest = await here.client.call('packets.review', {}, { upload: [(await madeElsewhere()).file] })
  expect(honest).toMatchObject({ notFromTexts: null, generatedTokens: 0, systemPrompt: null, heldBack: '.\n' })
  expect(layersOf(draft, LAYER_TYPES.source).map(({ bytes }) => sha256(bytes))).toEqual([
    sha256(sources[0]?.text ?? ''),
  ])
})

it.each(['starter-transformer', 'starter-mamba'])(
  'asks a file of %s before it is kept, and keeps nothing',
  async id => {
    const text = 'Facts:\nThe fee of the club is 314.\n'
    const { cartridge } = await maker.client.call('packets.create', { model: id, sources: [{ text }] })
    const ref = cartridge.packetId
    const file = await exported(maker.client, { ref })
    const [before, files] = [library(here), await here.files()]
    const { live } = here.engine.state
    const question = 'What is the fee of the club?'
    const { answer } = await here.client.call('packets.try', { question }, { upload: [file] })
    expect(answer).toBe('314.')
    const asked = await maker.client.call('ask.ask', { ref, question })
    expect(answer).toBe(asked.with?.output.trim())
    expect(library(here)).toEqual(before)
    expect(await here.files()).toEqual(files)
    expect(live.warm.bytes).toBe(0)
    // It is as strange as before.
    const imported = await here.client.call('packets.import', {}, { upload: [file] })
    expect(imported.cartridge.trust).toBe('restricted')
    await expect(here.client.call('packets.infer', { ref, delta: question })).rejects.toMatchObject({
      code: 'E_RESTRICTED',
    })
    const cut = here.client.call('packets.try', { question }, { upload: [file.subarray(0, file.length - 600)] })
    await expect(cut).rejects.toMatchObject({ code: expect.stringMatching(/^E_(BAD_FORMAT|CORRUPT|MISSING_BLOB)$/) })
  },
)

it('reads a file from where it is, in pieces, and refuses what is no file before opening it', async () => {
  const { file } = await madeElsewhere()
  const path = join(here.folder, 'tea.cartridge')
  await writeFile(path, file)
  expect(await here.client.call('packets.review', { path })).toMatchObject({ bytes: file.byteLength, duplicate: false })
  expect(await here.client.call('packets.import', { path })).toMatchObject({ cartridge: { trust: 'restricted' } })
  const refused = (input: { path?: string }, upload?: Uint8Array<ArrayBuffer>[]) =>
    expect(here.client.call('packets.import', input, { upload })).rejects
  await refused({ path: join(here.folder, 'none.cartridge') }).toMatchObject({ code: 'E_NOT_FOUND' })
  await refused({ path: here.folder }).toMatchObject({ code: 'E_BAD_INPUT' })
  await refused({}).toMatchObject({ code: 'E_BAD_INPUT' })
  await refused({ path }, [file]).toMatchObject({ code: 'E_BAD_INPUT' })
})
