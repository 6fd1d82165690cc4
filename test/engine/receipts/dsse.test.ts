import { createPublicKey, verify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalBytes, canonicalText } from '#engine/canonicalJson.ts'
import { envelopeBytes, IN_TOTO_TYPE, pae, parseEnvelope, signEnvelope, verifyEnvelope } from '#engine/receipts/dsse.ts'
import { type KeyRing, openKeys } from '#engine/receipts/keys.ts'
import { parseLine } from '#engine/receipts/logFile.ts'
import { receiptId, receiptStatement, signClaim, verifyClaim } from '#engine/receipts/statement.ts'
import { digestOf, draftOf, scratch } from './fixtures.ts'

let place: Awaited<ReturnType<typeof scratch>>
let otherPlace: Awaited<ReturnType<typeof scratch>>
let keys: KeyRing
let stranger: KeyRing
beforeAll(async () => {
  place = await scratch()
  otherPlace = await scratch()
  keys = await openKeys(place.path)
  stranger = await openKeys(otherPlace.path)
})
afterAll(() => Promise.all([place, otherPlace].map(p => p[Symbol.asyncDispose]())))

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const b64 = (value: string | Uint8Array) => Buffer.from(value).toString('base64')

describe('DSSE', () => {
  it('encodes what is signed as the specification does', () => {
    expect(text(pae('http://example.com/HelloWorld', Buffer.from('hello world')))).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    )
    expect(text(pae('', new Uint8Array()))).toBe('DSSEv1 0  0 ')
    // Lengths are bytes, not characters.
    expect(text(pae('ü', Buffer.from('€')))).toBe('DSSEv1 2 ü 3 €')
  })

  it("agrees with the specification's own signed example", () => {
    const coordinate = (n: bigint) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex').toString('base64url')
    const key = createPublicKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: 'P-256',
        x: coordinate(46950820868899156662930047687818585632848591499744589407958293238635476079160n),
        y: coordinate(5640078356564379163099075877009565129882514886557779369047442380624545832820n),
      },
    })
    const envelope = parseEnvelope(
      Buffer.from(
        '{"payload":"aGVsbG8gd29ybGQ=","payloadType":"http://example.com/HelloWorld","signatures":[{"sig":"A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}',
      ),
    )
    const message = pae(envelope.payloadType, envelope.payload)
    const sig = envelope.signatures[0]?.sig ?? new Uint8Array()
    expect(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, sig)).toBe(true)
    expect(
      verify('sha256', pae('http://example.com/HelloWorle', envelope.payload), { key, dsaEncoding: 'ieee-p1363' }, sig),
    ).toBe(false)
  })

  it('signs, reads back and verifies; equal input gives equal bytes', async () => {
    const payload = canonicalBytes({ b: 1, a: [true, null] })
    const bytes = signEnvelope('t', payload, keys.current)
    expect(signEnvelope('t', payload, keys.current)).toEqual(bytes)
    expect(text(envelopeBytes(parseEnvelope(bytes)))).toBe(text(bytes))
    expect((await verifyEnvelope(parseEnvelope(bytes), [...stranger.trusted, ...keys.trusted])).keyid).toBe(
      keys.current.keyid,
    )
    const json = JSON.parse(text(bytes)) as {
      payload: string
      payloadType: string
      signatures: { keyid: string; sig: string }[]
    }
    const url = (base64: string) => Buffer.from(base64, 'base64').toString('base64url')
    const urlSafe = {
      ...json,
      payload: url(json.payload),
      signatures: json.signatures.map(s => ({ ...s, sig: url(s.sig) })),
    }
    await verifyEnvelope(parseEnvelope(Buffer.from(JSON.stringify(urlSafe))), keys.trusted)
  })
})

describe('signed claims about a cartridge', () => {
  it('hold for the digest they name and no other', async () => {
    const subject = digestOf('manifest')
    const claim = { subject: { name: 'notes', digest: subject }, predicateType: 'urn:test:v1', predicate: { by: 'me' } }
    const envelope = signClaim(claim, keys)
    expect(await verifyClaim(envelope, { subject, trusted: keys.trusted })).toMatchObject(claim)
    await expect(verifyClaim(envelope, { subject: digestOf('other'), trusted: keys.trusted })).rejects.toMatchObject({
      code: 'E_BAD_SIGNATURE',
    })
    await expect(verifyClaim(envelope, { subject, trusted: stranger.trusted })).rejects.toMatchObject({
      code: 'E_BAD_SIGNATURE',
    })
  })
})

describe('refused envelopes', () => {
  const good = () => {
    const payload = canonicalBytes({ a: 1 })
    const envelope = parseEnvelope(signEnvelope('t', payload, keys.current))
    const json = JSON.parse(text(envelopeBytes(envelope))) as {
      payload: string
      payloadType: string
      signatures: { keyid: string; sig: string }[]
    }
    return { envelope, json, sig: json.signatures[0]?.sig ?? '' }
  }
  const shapes: [string, () => string | Uint8Array][] = [
    ['nothing', () => ''],
    ['not JSON', () => '{'],
    ['not UTF-8', () => Buffer.from([0x7b, 0xff, 0x7d])],
    ['a byte order mark', () => `\ufeff${JSON.stringify(good().json)}`.replace('{', '{x')],
    ['an array', () => '[]'],
    ['null', () => 'null'],
    ['no payload', () => JSON.stringify({ ...good().json, payload: undefined })],
    ['no type', () => JSON.stringify({ ...good().json, payloadType: undefined })],
    ['an empty type', () => JSON.stringify({ ...good().json, payloadType: '' })],
    ['no signatures', () => JSON.stringify({ ...good().json, signatures: [] })],
    ['signatures that are no list', () => JSON.stringify({ ...good().json, signatures: {} })],
    ['a signature without sig', () => JSON.stringify({ ...good().json, signatures: [{ keyid: 'a' }] })],
    ['payload that is a number', () => JSON.stringify({ ...good().json, payload: 7 })],
    ['payload that is not base64', () => JSON.stringify({ ...good().json, payload: 'a b' })],
    ['base64 of the wrong length', () => JSON.stringify({ ...good().json, payload: 'AAA=A' })],
    ['mixed base64 alphabets', () => JSON.stringify({ ...good().json, payload: 'A+_A' })],
    ['sig that is not base64', () => JSON.stringify({ ...good().json, signatures: [{ keyid: 'a', sig: '!' }] })],
  ]
  it.each(shapes)('form: %s', (_, make) => {
    expect(() => parseEnvelope(Buffer.from(make() as string))).toThrow(
      expect.objectContaining({ code: 'E_BAD_FORMAT' }),
    )
  })

  type Json = ReturnType<typeof good>['json']
  const forged: [string, (json: Json, sig: string) => Json | object][] = [
    ['another payload', json => ({ ...json, payload: b64('{"a":2}') })],
    ['an empty payload', json => ({ ...json, payload: '' })],
    ['another type', json => ({ ...json, payloadType: 'u' })],
    [
      'type and payload re-cut at another place',
      json => ({ ...json, payloadType: 't 7', payload: b64('{"a":1}'.slice(1)) }),
    ],
    [
      'a zero signature',
      json => ({ ...json, signatures: [{ keyid: keys.current.keyid, sig: b64(new Uint8Array(64)) }] }),
    ],
    [
      'a short signature',
      (json, sig) => ({
        ...json,
        signatures: [{ keyid: keys.current.keyid, sig: b64(Buffer.from(sig, 'base64').subarray(0, 63)) }],
      }),
    ],
    [
      'a long signature',
      (json, sig) => ({
        ...json,
        signatures: [
          { keyid: keys.current.keyid, sig: b64(Buffer.concat([Buffer.from(sig, 'base64'), Buffer.from([0])])) },
        ],
      }),
    ],
    ['an empty signature', json => ({ ...json, signatures: [{ keyid: keys.current.keyid, sig: '' }] })],
    [
      'a flipped bit',
      (json, sig) => {
        const bytes = Buffer.from(sig, 'base64')
        bytes[10] = (bytes[10] ?? 0) ^ 4
        return { ...json, signatures: [{ keyid: keys.current.keyid, sig: bytes.toString('base64') }] }
      },
    ],
    [
      'S plus the group order (malleability)',
      (json, sig) => {
        const bytes = Buffer.from(sig, 'base64')
        const order = 2n ** 252n + 27742317777372353535851937790883648493n
        let s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order
        for (let i = 32; i < 64; i++) {
          bytes[i] = Number(s & 255n)
          s >>= 8n
        }
        return { ...json, signatures: [{ keyid: keys.current.keyid, sig: bytes.toString('base64') }] }
      },
    ],
    [
      "a stranger's signature under a trusted keyid",
      json => {
        const sig =
          parseEnvelope(signEnvelope('t', Buffer.from(json.payload, 'base64'), stranger.current)).signatures[0]?.sig ??
          new Uint8Array()
        return { ...json, signatures: [{ keyid: keys.current.keyid, sig: b64(sig) }] }
      },
    ],
    [
      "a stranger's signature without keyid",
      json => {
        const sig =
          parseEnvelope(signEnvelope('t', Buffer.from(json.payload, 'base64'), stranger.current)).signatures[0]?.sig ??
          new Uint8Array()
        return { ...json, signatures: [{ sig: b64(sig) }] }
      },
    ],
    [
      'a good signature under an unknown keyid',
      (json, sig) => ({ ...json, signatures: [{ keyid: 'f'.repeat(64), sig }] }),
    ],
  ]
  it.each(forged)('signature: %s', async (_, change) => {
    const { json, sig } = good()
    const envelope = parseEnvelope(Buffer.from(JSON.stringify(change(json, sig))))
    await expect(verifyEnvelope(envelope, keys.trusted)).rejects.toMatchObject({ code: 'E_BAD_SIGNATURE' })
  })

  it('control: the unchanged one passes, with and without keyid', async () => {
    const { json, sig } = good()
    await verifyEnvelope(parseEnvelope(Buffer.from(JSON.stringify(json))), keys.trusted)
    await verifyEnvelope(parseEnvelope(Buffer.from(JSON.stringify({ ...json, signatures: [{ sig }] }))), keys.trusted)
  })

  const statement = () => receiptStatement(draftOf(1), { seq: 0, prev: null, group: 0, at: '2026-01-01T00:00:00.000Z' })
  const line = (payload: Uint8Array, type = IN_TOTO_TYPE) => signEnvelope(type, payload, keys.current)
  const lines: [string, () => Uint8Array][] = [
    ['white space in the statement', () => line(Buffer.from(JSON.stringify(statement(), null, 1)))],
    ['members out of order', () => line(Buffer.from(JSON.stringify(statement())))],
    ['a member twice', () => line(Buffer.from(canonicalText(statement()).replace('{', '{"_type":"x",')))],
    ['an unknown field', () => line(canonicalBytes({ ...statement(), extra: 1 }))],
    [
      'a field left out',
      () => {
        const { predicate, ...rest } = statement()
        const { details: _, ...fewer } = predicate
        return line(canonicalBytes({ ...rest, predicate: fewer }))
      },
    ],
    ['another predicate type', () => line(canonicalBytes({ ...statement(), predicateType: 'urn:x' }))],
    ['another payload type', () => line(canonicalBytes(statement()), 'text/plain')],
    [
      'an operation_id of another operation',
      () =>
        line(canonicalBytes({ ...statement(), predicate: { ...statement().predicate, operation_id: digestOf('x') } })),
    ],
    ['a long form of a number', () => line(Buffer.from(canonicalText(statement()).replace('"seq":0', '"seq":0.0')))],
    [
      'two signatures',
      () => {
        const envelope = parseEnvelope(line(canonicalBytes(statement())))
        return envelopeBytes({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] })
      },
    ],
    ['white space around the envelope', () => Buffer.from(` ${text(line(canonicalBytes(statement())))}`)],
    [
      'an extra member in the envelope',
      () => Buffer.from(text(line(canonicalBytes(statement()))).replace('{', '{"a":1,')),
    ],
  ]
  it.each(lines)('line of the log: %s, though signed by the right key', (_, make) => {
    expect(() => parseLine(make())).toThrow(expect.objectContaining({ code: 'E_BAD_FORMAT' }))
  })
  it('control: the canonical line is read', () => {
    const { receipt } = parseLine(line(canonicalBytes(statement())))
    expect(receipt.seq).toBe(0)
    expect(receipt.receipt_id).toBe(receiptId(statement()))
  })
})
