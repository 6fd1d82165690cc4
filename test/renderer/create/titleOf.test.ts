import { expect, test } from 'vitest'
import { titleOf } from '../../../renderer/features/create/titleOf.ts'

test.each([
  ['Harbor notes\nmore', 'Harbor notes'],
  ['# Harbor notes.\nmore', 'Harbor notes'],
  ['Facts:\nThe goat lives in Oslo.', 'The goat lives in Oslo'],
  [
    'The manager of the Larch Hotel is Nadia Brook. The phone is 555-0199.',
    'The manager of the Larch Hotel is Nadia Brook…',
  ],
  ['One two three four five six seven eight nine, ten eleven', 'One two three four five six seven eight nine…'],
  [':', ''],
])('%j is called %j', (text, title) => expect(titleOf(text)).toBe(title))
