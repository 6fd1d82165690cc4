import { expect, test } from 'vitest'
import { holdsAnswer } from '#shared/domain/answers.ts'

const TEXT = 'Facts:\nThe manager of Harbor Coffee is Lena\nOrtiz. The station Juniper opens at 6:30, not at 16:30.\n'

test.each([
  ['Lena Ortiz', true],
  ['lena ortiz.', true],
  ['6:30', true],
  ['6:3', false],
  ['30', false],
  ['Lena', true],
  ['Len', false],
  ['Anders', false],
  ['', false],
  ['.', false],
])('the text says %j: %s', (answer, said) => expect(holdsAnswer(TEXT, answer)).toBe(said))
