import { expect, test } from 'vitest'
import { cutOf } from '../../../renderer/features/create/cutOf.ts'

const SPLIT = { how: 'split' } as const
const FIRST = { how: 'first', tokens: 400 } as const

test.each([
  ['fits', { fits: true, approximate: false }, FIRST, { split: false }],
  ['fits about', { fits: true, approximate: true }, FIRST, { split: true }],
  ['is too long', { fits: false, approximate: false }, SPLIT, { split: true }],
  ['is too long, and cut', { fits: false, approximate: true }, FIRST, { split: false, firstTokens: 400 }],
  ['was not measured', null, SPLIT, { split: true }],
])('a text that %s', (_, estimate, choice, cut) => expect(cutOf(estimate, choice)).toEqual(cut))
