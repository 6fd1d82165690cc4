import { expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode, StatePackError } from '#shared/domain/error.ts'
import { describeError } from '../../../renderer/ui/describeError.ts'

test('every code says what it means in a sentence', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const text = describeError(new StatePackError(code, 'What happened.'))
    expect(text.code).toBe(code)
    expect(text.what).toBe('What happened.')
    expect(text.meaning).toMatch(/^[A-Z].+\.$/)
  }
})

test('anything thrown is shown, not thrown again', () => {
  expect(describeError('odd').what).toBe('odd')
  expect(describeError(new Error('bug')).code).toBe('E_INTERNAL')
})
