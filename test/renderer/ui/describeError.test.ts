import { CancelledError } from '@tanstack/react-query'
import { expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode, StatePackError } from '#shared/domain/error.ts'
import { PLACES } from '#shared/domain/places.ts'
import { describeError } from '../../../renderer/ui/describeError.ts'
import type { ErrorText } from '../../../renderer/ui/errorText.ts'
import { ERROR_TEXTS } from '../../../renderer/ui/errorTexts.ts'

const codes = Object.keys(ERROR_CODES) as ErrorCode[]
/** Words of the code and of programmers that no sentence for people needs. */
const JARGON =
  /E_[A-Z]|undefined|null|exception|stack|errno|ENO|http|\b(?:JSON-RPC|RPC|API|blob|digest|mismatch|invalid argument)\b/i

test('every code has a text, and no text is without its code', () => {
  expect(Object.keys(ERROR_TEXTS).sort()).toEqual([...codes].sort())
})

test.each(codes)('%s: plain sentences, and a button that leads somewhere', code => {
  const { what, meaning, action }: ErrorText = ERROR_TEXTS[code]
  expect(what).toMatch(/^[A-Z][^.]+\.$/)
  expect(meaning).toMatch(/^[A-Z].+\.$/)
  expect(what.length).toBeLessThan(80)
  expect(meaning.length).toBeLessThan(130)
  expect(`${what} ${meaning}`).not.toMatch(JARGON)
  if (action.do === 'again') return
  expect(action.label).toMatch(/^[A-Z][a-z]+ /)
  expect(action.label.length).toBeLessThan(28)
  if (action.do === 'open') expect(PLACES.map(place => place.path)).toContain(action.route.split('?')[0])
})

test('no two codes say the same', () => {
  expect(new Set(codes.map(code => ERROR_TEXTS[code].what)).size).toBe(codes.length)
})

test('a sentence about the thing at hand is shown; the words of a machine are folded', () => {
  const said = describeError(new StatePackError('E_CONTEXT_LENGTH', 'It has 5,000 tokens.', { tokens: 5000 }))
  expect(said.particular).toBe('It has 5,000 tokens.')
  expect(said.line).toBe('It has 5,000 tokens.')
  expect(said.raw).toEqual(['tokens: 5000'])
  const machine = describeError(new StatePackError('E_INFERENCE', 'Non-zero status code returned'))
  expect(machine.particular).toBeNull()
  expect(machine.line).toBe('The run failed inside the model.')
  expect(machine.raw).toEqual(['Non-zero status code returned'])
})

test('anything thrown is shown, not thrown again', () => {
  expect(describeError('odd').raw).toEqual(['odd'])
  expect(describeError(new Error('bug')).code).toBe('E_INTERNAL')
})

test('a reading that nobody waits for any more is no failure', () => {
  expect(describeError(new CancelledError()).code).toBe('E_CANCELLED')
})

test('a digest is cut where it is read, and whole where it is looked up', () => {
  const ref = `sha256:9f2c${'0'.repeat(56)}e41a`
  const said = describeError(new StatePackError('E_NOT_FOUND', `There is no cartridge "${ref}" here.`, { ref }))
  expect(said.particular).toBe('There is no cartridge "sha256:9f2c…e41a" here.')
  expect(said.raw).toContain(`ref: ${ref}`)
})
