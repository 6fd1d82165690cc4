import { expect, test } from 'vitest'
import { shortDigest } from '../../../renderer/ui/format.ts'

test('a digest is cut in the middle, a short id is not', () => {
  expect(shortDigest(`sha256:9f2c${'0'.repeat(56)}e41a`)).toBe('sha256:9f2c…e41a')
  expect(shortDigest('rcp_1')).toBe('rcp_1')
})
