import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDigest } from '#shared/domain/digest.ts'
import type { AskStep } from '#shared/rpc/methods/ask.ts'
import { cumulative, pathTo, timeline } from '../../../../renderer/features/ask/turns.ts'

const digest = parseDigest('0'.repeat(64))

function step(id: string, parentId: string | null, naive = 10, processed = 3): AskStep {
  return {
    id,
    parentId,
    question: `question ${id}`,
    delta: '',
    answer: '',
    outputTokenIds: [],
    without: null,
    fromPacketId: digest,
    packetId: digest,
    tokens: {
      base: naive - processed,
      tail: 0,
      delta: processed,
      generated: 0,
      processed,
      naive,
      saved: naive - processed,
      savedPercent: 0,
    },
    seconds: 0,
    finishReason: 'stop',
    receiptId: '',
    at: '',
  }
}

/** Any forest: each step continues an earlier one or the cartridge itself. */
const forest = fc
  .array(fc.nat(), { maxLength: 40 })
  .map(parents => parents.map((parent, i) => step(String(i), parent % (i + 1) === i ? null : String(parent % (i + 1)))))

test('the timeline shows every step once, after the one it continues, and never far right', () => {
  fc.assert(
    fc.property(forest, steps => {
      const entries = timeline(steps)
      expect(entries.map(entry => entry.step.id).toSorted()).toEqual(steps.map(entry => entry.id).toSorted())
      const at = new Map(entries.map((entry, i) => [entry.step.id, i]))
      for (const { step: shown, lane, afresh } of entries) {
        expect(lane).toBeLessThanOrEqual(4)
        if (shown.parentId === null) expect(lane).toBe(0)
        else {
          expect(afresh).toBe(false)
          expect(at.get(shown.parentId)).toBeLessThan(at.get(shown.id) ?? -1)
        }
      }
    }),
  )
})

test('the path to a step begins at the cartridge and follows the parents', () => {
  fc.assert(
    fc.property(forest, steps => {
      for (const wanted of steps) {
        const path = pathTo(steps, wanted.id)
        expect(path.at(-1)).toBe(wanted)
        expect(path[0]?.parentId).toBe(null)
        for (let i = 1; i < path.length; i++) expect(path[i]?.parentId).toBe(path[i - 1]?.id)
      }
    }),
  )
})

test('a history whose parents form a ring ends anyway', () => {
  expect(pathTo([step('a', 'b'), step('b', 'a')], 'a').length).toBe(2)
})

test('adds up what a naive loop reads and what was read', () => {
  const steps = [step('a', null, 110, 14), step('b', 'a', 130, 11)]
  const points = cumulative(steps.map(entry => ({ kind: 'step' as const, id: entry.id, question: '', step: entry })))
  expect(points).toEqual([
    { naive: 0, processed: 0 },
    { naive: 110, processed: 14 },
    { naive: 240, processed: 25 },
  ])
})
