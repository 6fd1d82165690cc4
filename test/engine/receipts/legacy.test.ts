import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { legacyHash, legacyPacketId, legacyReceiptId, legacyTokenTrace } from '#engine/receipts/legacy.ts'

const hex = (text: string) => createHash('sha256').update(text).digest('hex')

describe('State Pack v0.1 ids', () => {
  it.each([
    [
      '703fadf83ff71f2b89f201a8b1a316982a1e436a0a3886387182d41e33cefdad',
      87,
      '0377a8521488ec4e544ace694227d1228a3a26b0988c412b5c1bd182accb349c',
      1192207,
      'b81c4f12e641f82db5aae3d2f6741afc316f06450b1d9ab73fd24e286cf0c052',
    ],
    [
      'd6ffbf9823b1d2c3fe4f1216922995dac90a8833810e039af5397160d2103f59',
      189,
      'a1c7be991defbcf136982ed4887e4a69802385c06b807cfb757c54f72fd26fe7',
      2593039,
      '812ee498d2880e4d00a729cb1b99176de9118e3b78cc3966cfefbfc9b5fc81f0',
    ],
  ])('packet_id of its published packet %s', (base_sha256, base_bytes, blob_sha256, blob_bytes, id) => {
    expect(legacyPacketId({ model: 'gpt2', base_sha256, base_bytes, blob_sha256, blob_bytes })).toBe(`sha256:${id}`)
  })

  it('changes with every field it names', () => {
    const packet = {
      model: 'gpt2',
      base_sha256: 'a'.repeat(64),
      base_bytes: 1,
      blob_sha256: 'b'.repeat(64),
      blob_bytes: 2,
    }
    const variants = [
      { model: 'gpt3' },
      { base_sha256: 'c'.repeat(64) },
      { base_bytes: 3 },
      { blob_sha256: 'd'.repeat(64) },
      { blob_bytes: 4 },
    ]
    const ids = [packet, ...variants.map(v => ({ ...packet, ...v }))].map(legacyPacketId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('traces its example delta', () => {
    expect(hex('The next issue is waiver, estoppel, and material breach.\n')).toBe(
      '205af27e715d78d616b50c8c4f3b81c4662aad7a44264b0e93be9e76b3efb42f',
    )
    const ids = [464, 1306, 2071, 318, 23804, 11, 1556, 10365, 417, 11, 290, 2587, 13694, 13, 198]
    expect(legacyTokenTrace(ids)).toBe('ed62c5ca2711a46e0b9695f4fa2acb5a72e133c8d328c3a6db388d68b95cc790')
  })

  it('chains parent and delta', () => {
    expect(legacyHash('p', 'some delta')).toBe(hex(`p|${hex('some delta')}`))
  })

  it('names a receipt by its compact JSON, nulls and all', () => {
    const bare =
      '{"receipt_id":null,"op":"delta","ok":true,"packet_id":"sha256:ab","base_sha256":"cd","blob_sha256":null,"delta_sha256":"ef","bytes":57,"tokens":null}'
    expect(
      legacyReceiptId({
        op: 'delta',
        ok: true,
        packet_id: 'sha256:ab',
        base_sha256: 'cd',
        delta_sha256: 'ef',
        bytes: 57,
      }),
    ).toBe(`sha256:${hex(bare)}`)
    const counted =
      '{"receipt_id":null,"op":"infer","ok":true,"packet_id":null,"base_sha256":null,"blob_sha256":null,"delta_sha256":null,"bytes":1,"bytes_saved":null,"tokens":{"base":38,"delta":2,"processed":2,"saved":38,"savings_percent":95.0}}'
    const tokens = { base: 38, delta: 2, processed: 2, saved: 38, savings_percent: 95 }
    expect(legacyReceiptId({ op: 'infer', ok: true, bytes: 1, bytes_saved: null, tokens })).toBe(
      `sha256:${hex(counted)}`,
    )
  })
})
