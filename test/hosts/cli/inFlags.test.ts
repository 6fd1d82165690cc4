import { describe, expect, it } from 'vitest'
import { inFlags } from '#hosts/cli/inFlags.ts'
import type { ErrorCode } from '#shared/domain/error.ts'

describe('errors in the words of the command line', () => {
  const field = (name: string) =>
    inFlags({
      code: 'E_BAD_INPUT',
      message: `The field “${name}” of packets.infer is not valid: too small.`,
      details: { field: name },
    })
  it.each([
    ['name', '--name'],
    ['sampling.topP', '--top-p'],
    ['maxNewTokens', '--max-new-tokens'],
    ['ref', '--manifest'],
    ['systemPrompt', '--system'],
    ['sources[0].text', '--base'],
  ])('the field %s is the flag %s', (name, flag) => {
    expect(field(name)).toBe(`${flag}: too small.`)
  })

  it.each<[ErrorCode, Record<string, boolean>, string]>([
    ['E_BAD_FORMAT', { lenient: true }, '--lenient'],
    ['E_CONTEXT_LENGTH', {}, '--first-tokens'],
    ['E_NOT_TEXT', {}, '--encoding'],
    ['E_AMBIGUOUS', {}, '--model'],
    ['E_UNKNOWN_MODEL', {}, '--model'],
  ])('%s names the flag that is the way out', (code, details, flag) => {
    expect(inFlags({ code, message: 'It happened.', details })).toMatch(new RegExp(`^It happened\\. .*${flag}`))
  })

  it('says the rest as it is', () => {
    expect(inFlags({ code: 'E_CORRUPT', message: 'A byte is wrong.', details: {} })).toBe('A byte is wrong.')
  })
})
