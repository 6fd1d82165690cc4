import { describe, expect, test } from 'vitest'
import { precisionSchema } from '#shared/rpc/methods/models.ts'
import { asPrecision, PRECISIONS } from '../../../../renderer/features/models/precisionText.ts'

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
