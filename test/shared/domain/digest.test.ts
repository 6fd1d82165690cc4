import { describe, expect, it } from 'vitest'
import { hexOf, isDigest, parseDigest } from '#shared/domain/digest.ts'

const HEX = 'ab'.repeat(32)

describe('parseDigest', () => {
  it('accepts the OCI form and bare hex', () => {
    expect(parseDigest(`sha256:${HEX}`)).toBe(`sha256:${HEX}`)
    expect(parseDigest(HEX)).toBe(`sha256:${HEX}`)
    expect(hexOf(parseDigest(HEX))).toBe(HEX)
  })

  it.each([
    '',
    'sha256:',
    `sha256:${HEX.toUpperCase()}`,
    `sha512:${HEX}`,
    `sha256:${HEX}0`,
    `sha256:${'../'.repeat(21)}a`,
    `sha256:${HEX}\n`,
  ])('refuses %j', text => {
    expect(isDigest(text)).toBe(false)
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'E_BAD_DIGEST' }))
  })
})
