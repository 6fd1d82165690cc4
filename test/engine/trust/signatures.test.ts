/** What is refused as a signature of a cartridge, on its way in; and how a publisher's new key and a revoked one are met. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { IN_TOTO_TYPE, pae, signEnvelope } from '#engine/receipts/dsse.ts'
import { revokeKey, rotateKeys } from '#engine/receipts/keyChanges.ts'
import { type KeyRing, openKeys, publicPem } from '#engine/receipts/keys.ts'
import { signClaim } from '#engine/receipts/statement.ts'
import { sha256 } from '#engine/sha256.ts'
import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { exported, openTestEngine, type TestEngine } from '../testEngine.ts'
import { type Draft, putTogether, takeApart, utf8 } from './forgery.ts'

const SIGNATURE = 'application/vnd.dsse.envelope.v1+json'
const PREDICATE = 'urn:statepack:cartridge-signature:v1'

let maker: TestEngine
let here: TestEngine
let packetId: Digest
let draft: Draft
let keys: KeyRing
let other: KeyRing
beforeAll(async () => {
  maker = await openTestEngine()
  here = await openTestEngine()
  const sources = [{ name: 'tea.txt', text: 'Facts:\nThe tea of Tolan is green.\n' }]
  const made = await maker.client.call('packets.create', { model: 'starter-transformer', sources })
  packetId = made.cartridge.packetId
  draft = takeApart(await exported(maker.client, { ref: packetId }))
  keys = await openKeys(join(maker.folder, 'publisher'))
  other = await openKeys(join(maker.folder, 'other'))
})
afterAll(async () => {
  await maker.close()
  await here.close()
})

const statement = () => ({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'cartridge', digest: { sha256: hexOf(packetId) } }],
  predicateType: PREDICATE,
  predicate: { publicKey: publicPem(keys.current) } as Record<string, unknown>,
})
const signed = (payload: unknown, type = IN_TOTO_TYPE) => signEnvelope(type, canonicalBytes(payload), keys.current)
const good = () => JSON.parse(new TextDecoder().decode(signed(statement())))
const json = (value: unknown) => utf8(JSON.stringify(value))
const resigned = (change: (envelope: ReturnType<typeof good>) => unknown) => json(change(good()))
const withSig = (change: (sig: Buffer) => Buffer) =>
  resigned(envelope => ({
    ...envelope,
    signatures: [
      { ...envelope.signatures[0], sig: change(Buffer.from(envelope.signatures[0].sig, 'base64')).toString('base64') },
    ],
  }))
const aboutDigest = (digest: object) => ({ ...statement(), subject: [{ name: 'cartridge', digest }] })

/** Each is wrong in one way, and by someone who holds a key: all else is as it should be. */
const REFUSED: Readonly<Record<string, () => Uint8Array>> = {
  'no bytes': () => utf8(''),
  'no JSON': () => utf8('signed, the publisher'),
  'an envelope of another form': () => json({ signature: 'AA==' }),
  'an envelope without signatures': () => resigned(envelope => ({ ...envelope, signatures: [] })),
  'a payload that is not base64': () => resigned(envelope => ({ ...envelope, payload: '{}' })),
  'a payload that is no JSON': () => signEnvelope(IN_TOTO_TYPE, utf8('signed'), keys.current),
  'another payload type': () => signed(statement(), 'application/json'),
  'an empty statement': () => signed({}),
  'another kind of statement': () => signed({ ...statement(), _type: 'https://in-toto.io/Statement/v0.1' }),
  'no subject': () => signed({ ...statement(), subject: [] }),
  'two subjects': () => signed({ ...statement(), subject: [...statement().subject, ...statement().subject] }),
  'the digest of another cartridge': () => signed(aboutDigest({ sha256: hexOf(sha256('another')) })),
  'half of the digest': () => signed(aboutDigest({ sha256: hexOf(packetId).slice(32) })),
  'the digest in capitals': () => signed(aboutDigest({ sha256: hexOf(packetId).toUpperCase() })),
  'a digest of another algorithm': () => signed(aboutDigest({ sha512: hexOf(packetId) })),
  'the word for something else': () => signed({ ...statement(), predicateType: 'urn:statepack:key-rotation:v1' }),
  'a word that is no type': () => signed({ ...statement(), predicateType: '' }),
  'no key': () => signed({ ...statement(), predicate: {} }),
  'a key that is no key': () => signed({ ...statement(), predicate: { publicKey: 'mine' } }),
  'a key of another kind': () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    return signed({ ...statement(), predicate: { publicKey: publicKey.export({ type: 'spki', format: 'pem' }) } })
  },
  'the key of someone else': () => signed({ ...statement(), predicate: { publicKey: publicPem(other.current) } }),
  'the name of someone else': () =>
    resigned(envelope => ({ ...envelope, signatures: [{ ...envelope.signatures[0], keyid: other.current.keyid }] })),
  'a flipped bit': () => withSig(sig => Buffer.from(sig.map((byte, at) => (at === 7 ? byte ^ 1 : byte)))),
  'a signature of zeros': () => withSig(sig => Buffer.alloc(sig.length)),
  'a signature cut short': () => withSig(sig => sig.subarray(1)),
  'a signature with more behind it': () => withSig(sig => Buffer.concat([sig, Buffer.from([0])])),
  'an empty signature': () => withSig(() => Buffer.alloc(0)),
  'a signature of the bare payload': () => {
    const { payload } = good()
    return withSig(() => sign(null, Buffer.from(payload, 'base64'), keys.current.privateKey))
  },
  'a signature under another type': () => {
    const { payload } = good()
    const message = pae('application/json', Buffer.from(payload, 'base64'))
    return withSig(() => sign(null, message, keys.current.privateKey))
  },
  'the signature of another statement': () => {
    const { signatures } = JSON.parse(new TextDecoder().decode(signed(aboutDigest({ sha256: hexOf(sha256('x')) }))))
    return resigned(envelope => ({ ...envelope, signatures }))
  },
  'a chain of keys without end': () =>
    signed({ ...statement(), predicate: { ...statement().predicate, rotations: Array(33).fill('{}') } }),
}

const file = (...envelopes: Uint8Array[]) =>
  putTogether(
    draft,
    envelopes.map(bytes => ({ artifactType: SIGNATURE, bytes })),
  )
const review = (...envelopes: Uint8Array[]) => here.client.call('packets.review', {}, { upload: [file(...envelopes)] })

it('are at least thirty kinds', () => expect(Object.keys(REFUSED).length).toBeGreaterThanOrEqual(30))

it('the one that is right is taken', async () => {
  const found = await review(signed(statement()))
  expect(found).toMatchObject({ refusedReferrers: 0, signedBy: expect.stringContaining('seen for the first time') })
})

it.each(Object.entries(REFUSED))('refused: %s, and nothing else with it', async (_, forge) => {
  expect(await review(forge())).toMatchObject({ refusedReferrers: 1, signedBy: null })
})

it('the receipt of its making goes along, and is believed only of who signed the cartridge', async () => {
  const type = 'application/vnd.statepack.receipt.v1+json'
  const sent = await exported(maker.client, { ref: packetId })
  const { made, refusedReferrers } = await here.client.call('packets.review', {}, { upload: [sent] })
  const [receipt] = (await maker.client.call('receipts.list', { op: 'create' })).receipts
  expect(made).toMatchObject({ op: 'create', at: receipt?.at })
  expect(refusedReferrers).toBe(0)
  expect(await exported(maker.client, { ref: packetId })).toEqual(sent)
  const told = await maker.client.call('packets.exportReview', { ref: packetId })
  expect(told.made).toMatchObject({ op: 'create', at: receipt?.at, provider: 'cpu', threads: 1 })
  const held = await exported(maker.client, { ref: packetId, receipt: false })
  expect([sent, held].map(bytes => Buffer.from(bytes).includes(type))).toEqual([true, false])
  const without = await here.client.call('packets.review', {}, { upload: [held] })
  expect(without).toMatchObject({ made: null, refusedReferrers: 0, signedBy: expect.any(String) })

  const line = await maker.engine.state.receipts.madeBy(packetId)
  const sources = [{ name: 'boat.txt', text: 'Facts:\nThe boat of Mira is blue.\n' }]
  const other = await maker.client.call('packets.create', { model: 'starter-transformer', sources })
  const about = await maker.engine.state.receipts.madeBy(other.cartridge.packetId)
  const own = signClaim(
    {
      subject: { name: 'cartridge', digest: packetId },
      predicateType: PREDICATE,
      predicate: { publicKey: publicPem(maker.engine.state.keys.current) },
    },
    maker.engine.state.keys,
  )
  const reviewed = (line: Uint8Array | null, ...signatures: Uint8Array[]) => {
    const receipt = { artifactType: type, bytes: line ?? new Uint8Array(0) }
    const beside = [receipt, ...signatures.map(bytes => ({ artifactType: SIGNATURE, bytes }))]
    return here.client.call('packets.review', {}, { upload: [putTogether(draft, beside)] })
  }
  expect(await reviewed(line, own)).toMatchObject({ refusedReferrers: 0, made: { op: 'create' } })
  const damaged = Buffer.from(line ?? [])
    .toString()
    .replace(/"sig":"(.)/, (_, first) => `"sig":"${first === 'A' ? 'B' : 'A'}`)
  for (const [bytes, signature] of [
    [line, signed(statement())],
    [about, own],
    [Buffer.from(damaged), own],
    [Buffer.from('{}'), own],
  ] as const)
    expect(await reviewed(bytes, signature)).toMatchObject({
      ...{ refusedReferrers: 1, made: null, signedBy: expect.stringContaining('first time') },
    })

  // What somebody else says who has signed it, too, is not put into the mouth of the one who is named.
  const payload = Buffer.from(JSON.parse(Buffer.from(line ?? []).toString()).payload, 'base64')
  const strangers = signEnvelope(IN_TOTO_TYPE, payload, keys.current)
  const found = await reviewed(strangers, own, signed(statement()))
  expect(found.refusedReferrers).toBe(0)
  expect(found.made !== null).toBe(found.signedBy?.includes(keys.current.keyid.slice(0, 16)))

  // Made once: that it was there already when it was asked for again is no making.
  const text = 'Facts:\nThe boat of Mira is blue.\n'
  await maker.client.call('packets.create', { model: 'starter-transformer', sources: [{ name: 'boat.txt', text }] })
  expect(await maker.engine.state.receipts.madeBy(other.cartridge.packetId)).toEqual(about)
})

it('a receipt goes along under a later key, and stays where no signature leads to its own or its line was changed', async () => {
  const reviewOf = async (from: TestEngine, ref: string) => {
    const upload = [await exported(from.client, { ref })]
    return await here.client.call('packets.review', {}, { upload })
  }
  const mover = await openTestEngine()
  const elsewhere = await openTestEngine()
  try {
    const make = async (text: string) => {
      const sources = [{ name: 'note.txt', text }]
      const made = await mover.client.call('packets.create', { model: 'starter-transformer', sources })
      return made.cartridge.packetId
    }
    const first = await make('Facts:\nThe hat of Omar is red.\n')
    await mover.client.call('keys.rotate', {})
    expect(await reviewOf(mover, first)).toMatchObject({ refusedReferrers: 0, made: { op: 'create' } })

    const second = await make('Facts:\nThe cup of Nora is gold.\n')
    const passphrase = 'correct horse'
    const { text } = await elsewhere.client.call('keys.export', { passphrase })
    await mover.client.call('keys.import', { text, passphrase })
    expect(await mover.engine.state.receipts.madeBy(second)).not.toBeNull()
    const found = await reviewOf(mover, second)
    expect(found).toMatchObject({ refusedReferrers: 0, made: null, signedBy: expect.stringContaining('first time') })

    const third = await make('Facts:\nThe map of Ines is old.\n')
    const log = join(mover.folder, 'store', 'receipts', 'log.jsonl')
    const lines = (await readFile(log, 'utf8')).trimEnd().split('\n')
    await writeFile(log, `${[...lines.slice(0, -1), lines.at(-1)?.replace('payloadType', 'payloadtype')].join('\n')}\n`)
    await expect(mover.engine.state.receipts.madeBy(third)).rejects.toMatchObject({ code: 'E_RECEIPT_LOG' })
    expect(await reviewOf(mover, third)).toMatchObject({ refusedReferrers: 0, made: null })
  } finally {
    await mover.close()
    await elsewhere.close()
  }
})

it('a publisher who is known goes on under a new key that the old one has signed for', async () => {
  const reader = await openTestEngine()
  const send = async (to: TestEngine, trust = false) => {
    const bytes = await exported(maker.client, { ref: packetId })
    const { signedBy } = await to.client.call('packets.review', {}, { upload: [bytes] })
    await to.client.call('packets.import', { trust }, { upload: [bytes] })
    return { bytes, signedBy, publishers: (await to.client.call('keys.status', {})).publishers }
  }
  const old = (await maker.client.call('keys.status', {})).keyid
  expect((await send(reader, true)).publishers).toEqual([old])
  const { keyid } = await maker.client.call('keys.rotate', {})
  const after = await send(reader)
  expect(after.signedBy).toContain('a publisher trusted before')
  expect(after.publishers).toEqual([old, keyid])
  // To whom the old one says nothing, the new one is a stranger as well.
  expect((await send(here)).signedBy).toContain('seen for the first time')
  expect((await here.client.call('keys.status', {})).publishers).toEqual([])

  const { certificate } = await maker.client.call('keys.revoke', {})
  expect(await exported(maker.client, { ref: packetId })).not.toEqual(after.bytes)
  await reader.client.call('keys.acceptRevocation', { certificate })
  const seen = await reader.client.call('packets.review', {}, { upload: [after.bytes] })
  expect(seen.refusedReferrers).toBe(1)
  await expect(reader.client.call('keys.forget', { keyid: 'f'.repeat(64) })).rejects.toMatchObject({
    code: 'E_NOT_FOUND',
  })
  expect((await reader.client.call('keys.forget', { keyid: old })).publishers).toEqual([keyid])
  await reader.close()
})

it('no chain leads past a key that was revoked, or that did not sign', async () => {
  const folder = join(maker.folder, 'rotated')
  const first = await openKeys(folder)
  const second = await rotateKeys(folder)
  const word = (ring: KeyRing, rotations: readonly string[]) =>
    signEnvelope(
      IN_TOTO_TYPE,
      canonicalBytes({ ...statement(), predicate: { publicKey: publicPem(ring.current), rotations: [...rotations] } }),
      ring.current,
    )
  const { store } = here.engine.state
  store.library.settings.set('app.publishers', [first.current.keyid])
  expect((await review(word(second, second.rotations))).signedBy).toContain('trusted before')
  expect((await review(word(other, second.rotations))).signedBy).toContain('seen for the first time')
  expect((await review(word(second, ['{}', ...second.rotations.slice(1)]))).signedBy).toContain('first time')
  const thief = join(maker.folder, 'thief')
  await openKeys(thief)
  const { certificate } = await revokeKey(thief)
  await here.client.call('keys.acceptRevocation', { certificate })
  expect((await review(word(second, second.rotations))).signedBy).toContain('trusted before')
  store.library.settings.set('app.publishers', [])
})
