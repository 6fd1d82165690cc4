/** G6: mutants of what the store parses are refused with a typed error or read as what they are; nothing else happens. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { buildManifest, parseManifest } from '#engine/store/manifests.ts'
import { parseStrictJson } from '#engine/store/strictJson.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { SimulatedDisk } from '../../crash/simulatedDisk.ts'
import { freshFolder, openTestStore, testPacket } from './fixture.ts'

const RUNS = process.env.DEEP ? 10_000 : 500
const encode = (text: string) => new TextEncoder().encode(text)

function outcome<T>(run: () => T): { value: T } | { code: string } {
  try {
    return { value: run() }
  } catch (error) {
    if (error instanceof StatePackError) return { code: error.code }
    throw error
  }
}

/** Edits of bytes: a few replaced, a piece removed, doubled or moved. */
const edits = fc.array(
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat(40), kind: fc.nat(3), byte: fc.nat(255) }),
  { minLength: 1, maxLength: 4 },
)
type Edit = { at: number; length: number; kind: number; byte: number }

function mutate(bytes: Uint8Array, list: readonly Edit[]): Uint8Array {
  let out = Buffer.from(bytes)
  for (const { at, length, kind, byte } of list) {
    const start = Math.floor(at * out.length)
    const piece = out.subarray(start, start + length)
    if (kind === 0) out[Math.min(start, out.length - 1)] = byte
    else if (kind === 1) out = Buffer.concat([out.subarray(0, start), out.subarray(start + length)])
    else if (kind === 2) out = Buffer.concat([out.subarray(0, start), piece, out.subarray(start)])
    else out = Buffer.concat([out.subarray(0, start), Buffer.alloc(piece.length, byte), out.subarray(start + length)])
  }
  return out
}

describe('strict JSON', () => {
  it('reads what JSON.parse reads, for every value written once', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(2), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        const expected = JSON.parse(text)
        const got = outcome(() => parseStrictJson(encode(text)))
        // Lone surrogates and integers past 2^53 are refused, on purpose.
        if ('value' in got) expect(got.value).toEqual(expected)
        else expect(got.code === 'E_BAD_JSON' && /\\ud|[0-9]{16}/.test(text), text).toBe(true)
      }),
      { numRuns: RUNS },
    )
  })

  it('never accepts what JSON.parse refuses', () => {
    const near = fc.tuple(fc.jsonValue(), edits).map(([value, list]) => mutate(encode(JSON.stringify(value)), list))
    fc.assert(
      fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 40 })), bytes => {
        const got = outcome(() => parseStrictJson(bytes))
        if ('value' in got)
          expect(got.value).toEqual(
            JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)),
          )
        else expect(got.code).toBe('E_BAD_JSON')
      }),
      { numRuns: RUNS * 4 },
    )
  })

  it.each([
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"b":[{"a":1,"a":2}]}',
    '9007199254740993',
    '{"a":[9007199254740992]}',
    '{"a":"\\udc00"}',
    '1e999',
    '"\\ud800"',
    '[1,]',
    '{"a":1,}',
    '01',
    '+1',
    '.5',
    'NaN',
    "'a'",
    '{a:1}',
    '"a\nb"',
    '[',
    `${'['.repeat(40)}${']'.repeat(40)}`,
    '',
    ' ',
    'nul',
    'true false',
    '\ufeff{}',
    '/**/1',
    '"\\x41"',
  ])('refuses %j', text => {
    expect(outcome(() => parseStrictJson(encode(text)))).toEqual({ code: 'E_BAD_JSON' })
  })

  it('keeps a key named __proto__ a plain key', () => {
    const value = parseStrictJson(encode('{"__proto__":{"polluted":true}}')) as Record<string, unknown>
    expect(Object.keys(value)).toEqual(['__proto__'])
    expect((value as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

describe('manifests', () => {
  const packet = testPacket('fuzz')
  const {
    blob: { bytes },
    manifest,
  } = buildManifest(packet.config, packet.layers)

  it('are refused or read, whatever is done to their bytes or their structure', () => {
    fc.assert(
      fc.property(edits, list => {
        const got = outcome(() => parseManifest(mutate(bytes, list)))
        if ('code' in got) expect(['E_BAD_FORMAT', 'E_TOO_LARGE']).toContain(got.code)
      }),
      { numRuns: RUNS },
    )
    const hostile = fc.oneof(fc.jsonValue(), fc.constantFrom('sha256:../../x', -1, 2 ** 53, 1.5, '', null, [], {}))
    const path = fc.constantFrom(
      'schemaVersion',
      'mediaType',
      'artifactType',
      'config',
      'layers',
      'config.digest',
      'config.size',
      'layers.0.digest',
      'layers.0.size',
      'layers.0.mediaType',
    )
    fc.assert(
      fc.property(path, hostile, (where, value) => {
        const copy = JSON.parse(JSON.stringify(manifest))
        const keys = where.split('.')
        const last = keys.pop() ?? ''
        keys.reduce((node, key) => node[key], copy)[last] = value
        const got = outcome(() => parseManifest(encode(JSON.stringify(copy))))
        if ('code' in got) expect(got.code).toBe('E_BAD_FORMAT')
        else
          for (const { digest, size } of [got.value.config, ...got.value.layers]) {
            expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
            expect(Number.isSafeInteger(size) && size >= 0).toBe(true)
          }
      }),
      { numRuns: RUNS },
    )
    expect(parseManifest(canonicalBytes(manifest))).toEqual(manifest)
  })
})

describe('cartridge files', () => {
  it('are refused or imported, whatever is done to their bytes, on both paths', async () => {
    const source = await openTestStore()
    const { packetId } = await source.publishPacket(testPacket('fuzz', { blocks: 1, blockBytes: 100 }))
    const chunks: Uint8Array[] = []
    for await (const chunk of source.exportCartridge(packetId)) chunks.push(chunk)
    const file = Buffer.concat(chunks)
    const disk = new SimulatedDisk()
    const store = await openTestStore('/store', { fs: disk, databases: freshFolder() })
    await fc.assert(
      fc.asyncProperty(edits, fc.boolean(), async (list, lenient) => {
        const changed = mutate(file, list)
        disk.settle()
        const read = (async function* () {
          yield changed
        })()
        try {
          const { packetId: id } = await store.importCartridge(read, { lenient })
          expect(id).toBe(packetId)
          if (!lenient) expect(Buffer.compare(changed, file)).toBe(0)
        } catch (error) {
          expect(error).toBeInstanceOf(StatePackError)
          expect((error as StatePackError).code).toMatch(/^E_(BAD_FORMAT|CORRUPT|MISSING_BLOB|TOO_LARGE|AMBIGUOUS)$/)
        }
        expect(await disk.list('/store/tmp')).toEqual([])
      }),
      { numRuns: RUNS / 2 },
    )
  })
})
