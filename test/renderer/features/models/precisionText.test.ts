import { describe, expect, test } from 'vitest'
import { precisionSchema } from '#shared/rpc/methods/models.ts'
import { asPrecision, formatDifference, PRECISIONS } from '../../../../renderer/features/models/precisionText.ts'

describe('precisions', () => {
  test('every one the engine takes is offered, once', () => {
    expect(PRECISIONS.map(({ id }) => id)).toEqual(precisionSchema.options)
  })

  test('a precision that cannot be chosen is none of them', () => {
    expect(asPrecision('int8')).toBe('int8')
    expect(asPrecision('bfloat16')).toBeNull()
    expect(asPrecision('')).toBeNull()
  })
})

test.each([
  [0, '0'],
  [0.03124, '0.0312'],
  [0.00061, '0.00061'],
  [12.3456, '12.3'],
  [0.0000041, '4.1e-6'],
])('a difference of %d', (value, text) => expect(formatDifference(value)).toBe(text))
